import { z } from "zod";

import { PyroError } from "./errors.js";
import { limits } from "./limits.js";

/** The size of a terminal in characters. */
export interface TerminalSize {
  readonly rows: number;
  readonly cols: number;
}

const length = z.int().min(limits.terminalCells.min).max(limits.terminalCells.max);
const rows = length.default(24).describe("Height of the terminal in lines.").meta({ forPrograms: true });
const cols = length.default(80).describe("Width of the terminal in characters.").meta({ forPrograms: true });

export const terminalSize = z.strictObject({ rows: length, cols: length });

/** Fields of operations that may give their command a terminal. */
export const terminalFields = {
  tty: z
    .boolean()
    .default(false)
    .describe("Give the command a terminal. Its output is then all on standard output, and it has no default time-out.")
    .meta({ forPrograms: true }),
  rows,
  cols,
};

/** The terminal of an input; null for a command without one. */
export function terminalOf(input: TerminalSize & { readonly tty: boolean }): TerminalSize | null {
  return input.tty ? { rows: input.rows, cols: input.cols } : null;
}

/** The new size that a client reports. Throws INVALID_ARGUMENT. */
export function parseTerminalSize(size: unknown): TerminalSize {
  const parsed = terminalSize.safeParse(size);
  if (parsed.success) return parsed.data;
  const { min, max } = limits.terminalCells;
  throw new PyroError(
    "INVALID_ARGUMENT",
    `The size of a terminal is \`rows\` and \`cols\`, each from ${min} to ${max}.`,
  );
}
