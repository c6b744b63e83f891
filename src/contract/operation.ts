import type { z } from "zod";

/** How the CLI offers an operation. Flags follow from the input's fields, less the positionals and `rest`. */
interface CliShape {
  /** The words after `pyro`. */
  readonly words: readonly string[];
  /** Input fields given by position, in order. */
  readonly positionals: readonly string[];
  /** The input field that takes everything after `--`, quoted for a shell. */
  readonly rest?: string;
}

/**
 * One thing that can be asked of pyro. Doors, routes, reference pages and clients are derived from it.
 * A streaming operation answers with events (progress, output) before its result.
 */
export interface Operation<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  /** One line for people. */
  readonly summary: string;
  readonly input: Input;
  readonly output: Output;
  readonly streams: boolean;
  /** True when standard input is passed on. */
  readonly stdin: boolean;
  /** True when an archive follows the input that has a `source_path`. */
  readonly upload?: boolean;
  /** True when it changes nothing: a client whose connection broke asks again. */
  readonly readOnly?: boolean;
  readonly cli: CliShape | null;
  /** The method's name in the TypeScript SDK; Python's is the same in snake case. */
  readonly sdk: string | null;
  readonly mcp: string | null;
}

/** The events of a streaming operation, one NDJSON line each. Output is base64, since it may be any bytes. */
export type OperationEvent =
  | { readonly event: "progress"; readonly phase: string; readonly message: string; readonly fraction?: number }
  /** A command of a task has its number, by which it can be found again. */
  | { readonly event: "started"; readonly sequence: number }
  /** Output that is kept no longer: a caller who came back late has missed it. */
  | { readonly event: "gap"; readonly stream: "stdout" | "stderr"; readonly bytes: number }
  | { readonly event: "stdout"; readonly data: string }
  | { readonly event: "stderr"; readonly data: string };

export function defineOperation<Input extends z.ZodObject, Output extends z.ZodObject>(
  operation: Operation<Input, Output>,
): Operation<Input, Output> {
  return operation;
}
