/** A value as JSON, in one line unless it is indented. DEL and U+0080 to U+009F, which control some terminals, are escaped as well. */
export function jsonLine(value: unknown, indent = 0): string {
  const escape = (character: string) => `\\u00${character.charCodeAt(0).toString(16)}`;
  return `${JSON.stringify(value, null, indent).replaceAll(/[\x7f-\x9f]/g, escape)}\n`;
}
