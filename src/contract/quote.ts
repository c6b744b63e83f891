const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** Quotes arguments as one line that a POSIX shell splits into exactly these arguments. */
export function quoteCommand(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}

function quoteWord(word: string, index: number): string {
  // An unquoted `A=b` in front would be an assignment.
  const isPlain = PLAIN.test(word) && !(index === 0 && word.includes("="));
  return isPlain ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
