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

/** The words of a line that has no shell syntax but quotes, as quoteCommand makes it; null for any other line. */
export function parseQuoted(line: string): string[] | null {
  if (!/^(?:[A-Za-z0-9_@%+=:,./-]|'[^']*'|\\'| )+$/.test(line) || /^ *[A-Za-z_][A-Za-z0-9_]*=/.test(line)) return null;
  const words = line.match(/(?:[^ '\\]|'[^']*'|\\')+/g) ?? [];
  return words.map((word) => word.replaceAll(/'([^']*)'|\\(')/g, "$1$2"));
}
