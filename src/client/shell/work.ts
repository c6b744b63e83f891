import { PyroError } from "../../contract/errors.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import type { CallOptions, Client } from "../client.js";
import { findShell, readShell } from "./read-shell.js";

type Input = ArgumentsOf<"task.shell">;
type Result = ResultOf<"task.shell">;

/** Performs the operation on shells that the action names, and returns the screen afterwards. */
export async function workInShell(client: Client, input: Input, options: CallOptions): Promise<Result> {
  const { task_id, action, name = "main", command, text, signal = "TERM", ...reading } = input;
  const shell = { task_id, name };
  if (action === "list") return { ...(await client.call("task.shell.list", { task_id }, options)) };
  if (action === "close") return { ...(await client.call("task.shell.close", shell, options)) };
  if (action === "open") await client.call("task.shell.open", { ...shell, ...(command && { command }) }, options);
  // Text that was on the screen before does not count as an answer.
  const before =
    action === "write" ? (await readShell(client, { ...shell, wait_seconds: 0 }, options)).offset : undefined;
  if (action === "write") await client.call("task.shell.write", { ...shell, text: textOf(text) }, options);
  if (action === "signal") {
    const { sequence } = await findShell(client, task_id, name);
    await client.call("task.exec_signal", { task_id, sequence, signal }, options);
  }
  const { wait_for, wait_seconds, offset = before } = reading;
  const wait = { ...(wait_for !== undefined && { wait_for }), ...(wait_seconds !== undefined && { wait_seconds }) };
  return readShell(client, { ...shell, ...wait, ...(offset !== undefined && { offset }) }, options);
}

function textOf(text: string | undefined): string {
  if (text) return text;
  throw new PyroError("INVALID_ARGUMENT", "text: it is required for write.", { hint: "Give the text to type." });
}
