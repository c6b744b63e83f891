import { printable } from "./printable.js";

/** Prints the warnings of a source on standard error: entries left out, or changed while they were read. */
export function warnOf(warnings: readonly string[], prefix: "push" | "pull" | "undo" | "create" | "run"): void {
  for (const warning of warnings) process.stderr.write(`[${prefix}] ${printable(warning)}\n`);
}
