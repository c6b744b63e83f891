import { PyroError } from "../contract/errors.js";
import type { ArgumentsOf, ResultOf } from "../contract/operations.js";
import type { CallOptions, Client } from "./client.js";
import type { OperationEvent } from "../contract/operation.js";
import { MAX_RETURNS } from "./patience.js";

/**
 * Runs a command in a task. If the daemon dies, the command continues, and this call reconnects: it finds the
 * command by its number, or by the request id before it has the number, and continues the output at the same offset.
 * The command never runs twice.
 */
export async function execTask(
  client: Client,
  input: ArgumentsOf<"task.exec">,
  options: CallOptions,
): Promise<ResultOf<"task.exec">> {
  for (let attempt = 1; ; attempt += 1) {
    const result = await execOnce(client, { request_id: crypto.randomUUID(), ...input }, options);
    const mayAsk = input.request_id === undefined && !options.signal?.aborted && attempt < MAX_RETURNS;
    if (!hasNotRun(result) || !mayAsk) return result;
  }
}

/** A command with a terminal, and the offset from which its output is followed. */
export interface TerminalPlace {
  readonly task_id: string;
  readonly sequence: number;
  readonly offset: number;
  /** False for a viewer, who does not type. */
  readonly keyboard: boolean;
}

/** Follows a command with a terminal to its end, and reconnects as `execTask` does. */
export function followTerminal(
  client: Client,
  { task_id, sequence, offset, keyboard }: TerminalPlace,
  options: CallOptions,
): Promise<ResultOf<"task.exec">> {
  const seen = { sequence, stdout: offset, stderr: 0 };
  return execOnce(client, { task_id, command: "", tty: keyboard }, options, seen);
}

async function execOnce(
  client: Client,
  input: ArgumentsOf<"task.exec">,
  options: CallOptions,
  seen = { sequence: 0, stdout: 0, stderr: 0 },
): Promise<ResultOf<"task.exec">> {
  const patience = client.transport.patience();
  const onEvent = async (event: OperationEvent) => {
    patience.reset();
    if (event.event === "started") seen.sequence = event.sequence;
    if (event.event === "gap") seen[event.stream] += event.bytes;
    if (event.event === "stdout" || event.event === "stderr") seen[event.event] += event.data.length;
    await options.onEvent?.(event);
  };
  const asking = { ...options, onEvent, onOpen: patience.reached };
  const following = { ...asking };
  // A terminal has no end of input: typing continues with the new connection.
  if (!input.tty) delete following.stdin;
  for (;;) {
    const { sequence, stdout, stderr } = seen;
    const { task_id, interleaved } = input;
    const place = {
      task_id,
      sequence,
      stdout_offset: stdout,
      stderr_offset: stderr,
      ...(interleaved && { interleaved }),
      ...(input.tty && { keyboard: true, ...options.terminal?.size() }),
    };
    try {
      // Standard input is not read before the command runs, so a retry can offer it again.
      if (sequence === 0) return await client.call("task.exec", input, asking);
      return await client.call("task.follow", place, following);
    } catch (error) {
      if (!isLost(error) || !(await patience.wait(error))) throw error;
    }
  }
}

/** True when the connection broke or the daemon ended, so that the command continues. */
export function isLost(error: unknown): boolean {
  return error instanceof PyroError && error.code === "DAEMON_UNREACHABLE";
}

/** The daemon died between writing the command down and giving it to the guest. */
function hasNotRun({ error }: ResultOf<"task.exec">): boolean {
  return error?.code === "DAEMON_UNREACHABLE";
}
