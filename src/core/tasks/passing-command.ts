import { limits } from "../../contract/limits.js";
import type { TaskExec } from "../exec/task-exec.js";
import { readBoth } from "./branches/shown-output.js";

const SHOWN_LINES = 20;
/** Starts a command without a terminal, whose end is waited for. */
export const plainCommand = { background: false, interleaved: false, tty: false, rows: 24, cols: 80 } as const;

/** Why a command that prepares an environment or a task has failed. */
export interface CommandFailure {
  /** The end of a sentence that begins with the command's name, and the last lines of its output. */
  readonly text: string;
  readonly details: { readonly exit_code: number | null; readonly stdout: string; readonly stderr: string };
}

/** The failure of a command that has ended; null when it exited with 0. */
export async function findFailure(exec: TaskExec): Promise<CommandFailure | null> {
  const { ended } = exec;
  if (ended?.error === null && !ended.timed_out && ended.exit_code === 0) return null;
  const [stdout, stderr] = await readBoth(exec);
  const how = ended?.timed_out
    ? `did not end within ${limits.setupSeconds} s`
    : ended?.error
      ? `failed: ${ended.error.message}`
      : `exited with ${ended?.exit_code}`;
  const lines = `${stdout.text}${stderr.text}`.trimEnd().split("\n").slice(-SHOWN_LINES).join("\n");
  return {
    text: `${how}.${lines === "" ? "" : ` Its output ends with:\n${lines}`}`,
    details: { exit_code: ended?.exit_code ?? null, stdout: stdout.text, stderr: stderr.text },
  };
}
