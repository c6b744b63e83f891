import { PyroError } from "../contract/errors.js";
import type { ResultOf } from "../contract/operations.js";
import type { Call } from "./call.js";
import { stopTask } from "./tasks/branches/stop.js";
import type { Tasks } from "./tasks/tasks.js";

type Outcome = Pick<ResultOf<"daemon.stop">, "saved" | "unsaved">;

/** Stops every task that runs, so that it can be started after a reboot. One that cannot be stopped keeps running. */
export async function saveTasks(tasks: Tasks, call: Call): Promise<Outcome> {
  const saved: string[] = [];
  const unsaved: { task_id: string; reason: string }[] = [];
  const save = async (taskId: string) => {
    try {
      await tasks.get(taskId).changeVm(call, stopTask);
      saved.push(taskId);
    } catch (error) {
      unsaved.push({ task_id: taskId, reason: PyroError.from(error).message });
    }
  };
  await Promise.all(tasks.startedIds().map(save));
  return { saved: saved.toSorted(), unsaved };
}
