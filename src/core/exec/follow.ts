import { PyroError } from "../../contract/errors.js";
import type { Call } from "../call.js";
import type { Handler } from "../core.js";
import { heed } from "./heed.js";
import type { TaskExec } from "./task-exec.js";
import type { Typing } from "./terminal.js";
import type { Task } from "../tasks/task.js";

export const taskExec: Handler<"task.exec"> = async (core, input, call) => {
  const task = core.tasks.get(input.task_id);
  const exec = await task.exec(input, call, input.background ? null : call.stdin);
  // From now on, since a caller may cancel before the start of the command is synced.
  using _ = input.background ? null : heed(call, exec);
  await exec.recorded;
  call.mark("journal");
  if (input.background) return exec.outcome(input.interleaved);
  const from = { stdout: 0, stderr: 0, interleaved: input.interleaved };
  return await followToEnd(task, exec, from, call, { endsInput: true });
};

export const taskFollow: Handler<"task.follow"> = async (core, input, call) => {
  const task = core.tasks.get(input.task_id);
  const exec = task.find(input.sequence);
  using _ = heed(call, exec);
  const { stdout_offset: stdout, stderr_offset: stderr, interleaved } = input;
  if (input.rows && input.cols) await exec.resize({ rows: input.rows, cols: input.cols });
  const from = { stdout, stderr, interleaved };
  return await followToEnd(task, exec, from, call, input.keyboard ? { endsInput: false } : null);
};

/** Streams a command to its end and returns its outcome. If the caller disconnects, the command keeps running. */
function followToEnd(
  task: Task,
  exec: TaskExec,
  from: { readonly stdout: number; readonly stderr: number; readonly interleaved: boolean },
  call: Call,
  typing: Typing | null,
): ReturnType<TaskExec["outcome"]> {
  const work = async () => {
    await call.emit({ event: "started", sequence: exec.started.sequence });
    await exec.follow(from, call, typing);
    call.mark("command");
    if (exec.isRunning)
      throw new PyroError("ABORTED", "The daemon ended; the command keeps running.", {
        hint: `See \`pyro task logs ${task.taskId}\`.`,
        details: { task_id: task.taskId, sequence: exec.started.sequence },
      });
    return exec.outcome(from.interleaved);
  };
  return task.during(work());
}
