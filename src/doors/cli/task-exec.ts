import type { Client } from "../../client/client.js";
import { execTask } from "../../client/task-exec.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { jsonLine } from "./json-line.js";
import { connectTerminal, runCommand } from "./run.js";

type TaskExecInput = ArgumentsOf<"task.exec"> & { readonly no_stdin?: boolean };

/** `pyro task exec`: like `run`, with a last line on standard error that gives the command's number and its outcome. */
export async function taskExec(client: Client, { no_stdin, ...input }: TaskExecInput, json: boolean): Promise<number> {
  if (input.background) return startInBackground(client, input, json);
  const terminal = await connectTerminal(input, { json, noStdin: no_stdin === true });
  const whole = { ...input, ...terminal?.input };
  return runCommand((options) => execTask(client, whole, options), {
    title: input.task_id,
    json,
    noStdin: no_stdin === true,
    terminal: terminal?.own ?? null,
    sizedBy: "pyro task create",
    // The command has drawn on the terminal, so no footer is printed there.
    renderFooter: (result) => (terminal ? "" : renderFooter(result, "task-exec")),
  });
}

/** Prints the command's number on standard output, and how to follow it on standard error. */
async function startInBackground(client: Client, input: ArgumentsOf<"task.exec">, json: boolean): Promise<number> {
  const result = await execTask(client, input, {});
  process.stdout.write(json ? jsonLine(result) : `${result.sequence}\n`);
  const { task_id, sequence } = result;
  if (!json)
    process.stderr.write(
      `[task-exec] Running in the background. To follow it: pyro task output ${task_id} ${sequence} --follow\n`,
    );
  return 0;
}

/** A restore that the result of a command reports. */
function describeRestore({ at, snapshot_at, reason, undone }: NonNullable<ResultOf<"task.exec">["restored"]>): string {
  const lost = undone ? "the changes of this command are lost" : "everything since then is lost";
  return `The task was restored from its automatic snapshot of ${snapshot_at} at ${at} (${reason}); ${lost}.`;
}

/** The last line on standard error: the command's number and its outcome. */
export function renderFooter(result: ResultOf<"task.exec">, name: string): string {
  const { task_id, sequence, cwd, execution_mode, exit_code, duration_ms, timed_out, error, restored } = result;
  const why = error ? `pyro: ${error.message}\n` : "";
  const gone = restored === null ? "" : `pyro: ${describeRestore(restored)}\n`;
  const fields = { task_id, sequence, cwd, execution_mode, exit_code: exit_code ?? "none", duration_ms };
  const facts = { ...fields, ...(timed_out ? { timed_out } : {}) };
  const words = Object.entries(facts).map(([name, value]) => `${name}=${value}`);
  return `${why}${gone}[${name}] ${words.join(" ")}\n`;
}
