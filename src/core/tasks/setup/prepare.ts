import { PyroError } from "../../../contract/errors.js";
import { limits } from "../../../contract/limits.js";
import type { InputOf } from "../../../contract/operations.js";
import { abortable } from "../../../host/abortable.js";
import type { Call } from "../../call.js";
import type { TaskExec } from "../../exec/task-exec.js";
import type { Snapshot } from "../../snapshots/snapshots.js";
import { readBoth } from "../branches/shown-output.js";
import { saveSnapshot } from "../branches/snapshot.js";
import type { NewTaskParts } from "../create-task.js";
import { inPassingTask } from "../passing-task.js";
import type { Task } from "../task.js";

type CreateInput = InputOf<"task.create">;

export const SETUP_FAILED = "setup_failed";
const SHOWN_LINES = 20;

/** Runs a setup in a task that is not listed, and keeps the result. The task is removed, also when this throws. */
export async function prepareSetup(
  parts: NewTaskParts,
  input: CreateInput & { readonly setup: string },
  key: string,
  call: Call,
): Promise<Snapshot> {
  const { name: _, ...unnamed } = input;
  return inPassingTask(parts, unnamed, { purpose: "setup", call }, async (task) => {
    await call.emit({ event: "progress", phase: "setup", message: "Running the setup" });
    await run(task, input, call);
    return task.changeVm(call, (vm, { signal }) =>
      vm.changes.take(signal, () =>
        vm.standStill("snapshot", signal, (machine) =>
          saveSnapshot(vm, machine, { purpose: "kept", name: null, setupKey: key, signal }),
        ),
      ),
    );
  });
}

/** Throws FAILED_PRECONDITION with the output when the setup does not exit with 0. */
async function run(task: Task, { setup }: { readonly setup: string }, call: Call): Promise<void> {
  const plain = { background: false, interleaved: false, tty: false, rows: 24, cols: 80 };
  const request = { task_id: task.taskId, command: setup, cwd: "/workspace", env: {}, ...plain };
  const exec = await task.exec({ ...request, timeout_seconds: limits.setupSeconds }, call, null);
  await abortable(exec.done, call.signal);
  if (exec.ended?.error === null && !exec.ended.timed_out && exec.ended.exit_code === 0) return;
  throw await describeFailure(exec);
}

async function describeFailure(exec: TaskExec): Promise<PyroError> {
  const [stdout, stderr] = await readBoth(exec);
  const { ended } = exec;
  const how = ended?.timed_out
    ? `did not end within ${limits.setupSeconds} s`
    : ended?.error
      ? `failed: ${ended.error.message}`
      : `exited with ${ended?.exit_code}`;
  const lines = `${stdout.text}${stderr.text}`.trimEnd().split("\n").slice(-SHOWN_LINES).join("\n");
  return new PyroError(
    "FAILED_PRECONDITION",
    `The setup ${how}.${lines === "" ? "" : ` Its output ends with:\n${lines}`}`,
    {
      hint: "Correct the setup, and create the task again. Nothing of it was kept.",
      details: { reason: SETUP_FAILED, exit_code: ended?.exit_code ?? null, stdout: stdout.text, stderr: stderr.text },
    },
  );
}
