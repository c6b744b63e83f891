import type { Client } from "../../client/client.js";
import { execTask } from "../../client/task-exec.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { runCommand } from "./run.js";

/** `pyro task exec`: like `run`, with a last line on standard error that says which command it was and how it went. */
export function taskExec(client: Client, input: ArgumentsOf<"task.exec">, json: boolean): Promise<number> {
  return runCommand((options) => execTask(client, input, options), input.task_id, json, renderFooter);
}

function renderFooter(result: ResultOf<"task.exec">): string {
  const { task_id, sequence, cwd, execution_mode, exit_code, duration_ms, error } = result;
  const why = error ? `pyro: ${error.message}\n` : "";
  const fields = { task_id, sequence, cwd, execution_mode, exit_code: exit_code ?? "none", duration_ms };
  const words = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  return `${why}[task-exec] ${words.join(" ")}\n`;
}
