import { PyroError } from "../../../contract/errors.js";
import { limits } from "../../../contract/limits.js";
import type { InputOf } from "../../../contract/operations.js";
import { abortable } from "../../../host/abortable.js";
import type { Call } from "../../call.js";
import type { Snapshot } from "../../snapshots/snapshots.js";
import { saveSnapshot } from "../branches/snapshot.js";
import type { NewTaskParts } from "../create-task.js";
import { findFailure, plainCommand } from "../passing-command.js";
import { inPassingTask } from "../passing-task.js";
import type { Task } from "../task.js";

type CreateInput = InputOf<"task.create">;

export const SETUP_FAILED = "setup_failed";

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
  const request = { task_id: task.taskId, command: setup, cwd: "/workspace", env: {}, ...plainCommand };
  const exec = await task.exec({ ...request, timeout_seconds: limits.setupSeconds }, call, null);
  await abortable(exec.done, call.signal);
  const failure = await findFailure(exec);
  if (failure === null) return;
  throw new PyroError("FAILED_PRECONDITION", `The setup ${failure.text}`, {
    hint: "Correct the setup, and create the task again. Nothing of it was kept.",
    details: { reason: SETUP_FAILED, ...failure.details },
  });
}
