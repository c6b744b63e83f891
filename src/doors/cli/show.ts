import type { OperationName, ResultOf } from "../../contract/operations.js";
import { jsonLine } from "./json-line.js";

/** Prints a result, for people or as JSON. Returns the exit status. */
export async function show<Name extends OperationName>(
  name: Name,
  result: ResultOf<Name>,
  json: boolean,
): Promise<number> {
  if (json) return print(jsonLine(result));
  const { renderers } = await import("./render.js");
  return print(renderers[name]?.(result) ?? jsonLine(result, 2));
}

export function print(text: string | Uint8Array): number {
  process.stdout.write(text);
  return 0;
}

/** Writes bytes to standard output, as fast as its reader takes them. */
export function written(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => void process.stdout.write(bytes, () => resolve()));
}
