import { printable } from "./printable.js";

/** Says on standard error what of a source was left out or may be torn. */
export function warnOf(warnings: readonly string[]): void {
  for (const warning of warnings) process.stderr.write(`[push] ${printable(warning)}\n`);
}
