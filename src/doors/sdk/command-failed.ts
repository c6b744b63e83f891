import { PyroError } from "../../contract/errors.js";
import type { RunResult, TaskExecResult } from "./results.js";

/** The rejection of `check: true` when a command fails: code `COMMAND_FAILED`, and the command's result. */
export class CommandFailedError extends PyroError {
  readonly result: RunResult | TaskExecResult;

  constructor(result: RunResult | TaskExecResult) {
    const { exitCode, timedOut, aborted, oomKilled } = result;
    super("COMMAND_FAILED", `The command ${renderEnd(result)}: ${result.command.slice(0, 200)}`, {
      details: { exit_code: exitCode, timed_out: timedOut, aborted, oom_killed: oomKilled },
    });
    this.result = result;
  }
}

/** Throws CommandFailedError unless a command ended with exit code 0, or still runs. */
export function assertSucceeded(result: RunResult | TaskExecResult): void {
  if ("state" in result && result.state === "running") return;
  if (result.exitCode !== 0 || result.timedOut || result.aborted) throw new CommandFailedError(result);
}

function renderEnd(result: RunResult | TaskExecResult): string {
  if (result.timedOut) return "was ended by its time-out";
  if (result.aborted) return "was aborted";
  if ("error" in result && result.error) return `ended without an exit code (${result.error.message})`;
  return `ended with exit code ${result.exitCode}${result.oomKilled ? ", out of memory" : ""}`;
}
