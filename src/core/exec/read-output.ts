import type { Handler } from "../core.js";
import { ageMs } from "./exec-time.js";
import { readPage, waitForOutput } from "./output-page.js";

export const taskExecOutput: Handler<"task.exec_output"> = async (core, input, call) => {
  const task = core.tasks.get(input.task_id);
  const exec = task.find(input.sequence);
  await waitForOutput(exec, input, call.signal);
  // Read before the output: a command that has ended by now has all of its output on disk.
  const { started, ended } = exec;
  const { stdout, stderr, ...inOrder } = await readPage(exec, input);
  return {
    task_id: input.task_id,
    sequence: input.sequence,
    command: started.command,
    state: ended ? "ended" : "running",
    exit_code: ended?.exit_code ?? null,
    timed_out: ended?.timed_out ?? false,
    aborted: ended?.aborted ?? false,
    oom_killed: ended?.oom_killed ?? false,
    mem_mib: task.record.mem_mib,
    error: ended?.error ?? null,
    accelerator: task.record.accelerator,
    duration_ms: ended?.duration_ms ?? ageMs(started),
    stdout: stdout.text,
    stderr: stderr.text,
    stdout_encoding: stdout.encoding,
    stderr_encoding: stderr.encoding,
    stdout_omitted_bytes: stdout.omittedBytes,
    stderr_omitted_bytes: stderr.omittedBytes,
    next_stdout_offset: stdout.nextOffset,
    next_stderr_offset: stderr.nextOffset,
    ...inOrder,
    stdout_bytes: stdout.totalBytes,
    stderr_bytes: stderr.totalBytes,
    complete: ended !== null && stdout.isAtEnd && stderr.isAtEnd,
  };
};
