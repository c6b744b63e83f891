import { printable } from "./printable.js";

/** Says on standard error what of a source was left out or may be torn. */
export function warnOf(warnings: readonly string[], prefix: "push" | "pull" | "undo" | "create" | "run"): void {
  for (const warning of warnings) process.stderr.write(`[${prefix}] ${printable(warning)}\n`);
}
