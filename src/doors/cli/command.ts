import type { OperationName } from "../../contract/operations.js";
import type { RenderedField } from "../../contract/rendered.js";

/** One command of the CLI. */
export interface Command {
  readonly words: readonly string[];
  readonly summary: string;
  readonly positionals: readonly RenderedField[];
  /** Takes everything after `--`. */
  readonly rest: RenderedField | null;
  readonly flags: readonly RenderedField[];
  /** The field that may be an empty text, which writes an empty file; other fields refuse one. */
  readonly freeText?: string;
  /** Command lines for the help page. */
  readonly examples: readonly string[];
  /** The operation that it calls; null for a command without an operation. */
  readonly operation: OperationName | null;
}

export function nameOf(command: Command): string {
  return command.words.join(" ");
}

/** One-letter flags, as in other tools. */
const letters: Readonly<Record<string, string>> = {
  background: "-d",
  cwd: "-w",
  env: "-e",
  follow: "-f",
  no_stdin: "-n",
  quiet: "-q",
  tty: "-t",
};

/** The one-letter flag of a field, if it has one. */
export function letterOf(field: RenderedField): string | undefined {
  return letters[field.name];
}

/** The flag of a field: `--mem-mib` for `mem_mib`. */
export function flagOf(field: RenderedField): string {
  return `--${(field.flag ?? field.name).replaceAll("_", "-")}`;
}

/** A flag that only the CLI has. */
export function ownFlag(name: string, type: "boolean" | "string", description: string): RenderedField {
  return { name, type, required: false, description };
}

/** The machine that a command works on. */
export const contextField = ownFlag("context", "string", "Work on another machine; see `pyro help context`.");

export const jsonField = ownFlag("json", "boolean", "Print one JSON object and nothing else.");
