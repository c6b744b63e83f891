import { PyroError } from "../../src/contract/errors.js";
import { frameType } from "../../src/host/stream-frames.js";
import { taskOf } from "../task-of.js";
import { variableOf, type DoublePod } from "./api-double.js";
import type { Work } from "./fake-daemon.js";

/** Ids of tasks whose deletion was asked for before, and its answer lost. */
export const deletedBefore = new Set<string>();
/** `onDelete` is called when a daemon has deleted a task. */
export const hooks = { onDelete: () => {} };

/** A daemon with tasks in memory. */
export function makeWork(pod: DoublePod): Work {
  const tasks = new Map<string, ReturnType<typeof taskOf>>();
  const prefix = variableOf(pod, "PYRO_ID_PREFIX");
  const add = (fields: object) => {
    const task = taskOf({ task_id: `task-${prefix}${String(tasks.size).padStart(6, "0")}`, ...fields });
    tasks.set(task.task_id, task);
    return task;
  };
  return (operation, input, emit) => {
    switch (operation) {
      case "task.create":
        if (input["environment"] === "broken") throw new PyroError("ENVIRONMENT_UNKNOWN", "No such environment.");
        return add({ environment: input["environment"], name: input["name"] ?? null, labels: input["labels"] ?? {} });
      case "task.fork":
        return { tasks: [add({ name: input["name"] ?? null })] };
      case "task.list":
        // A task of this environment has expired by the time it is listed.
        return { tasks: [...tasks.values()].filter(({ environment }) => environment !== "brief") };
      case "task.delete":
        tasks.delete(String(input["task_id"]));
        hooks.onDelete();
        if (deletedBefore.has(String(input["task_id"]))) throw new PyroError("NOT_FOUND", "There is no such task.");
        return { task_id: input["task_id"], deleted: true };
      case "vm.run":
        if (input["command"] === "hang") return new Promise(() => {});
        emit(frameType.data, 1, Buffer.from("out"));
        return { vm_id: `vm-${prefix}000000`, exit_code: 3 };
      case "task.exec":
        emit(frameType.event, 0, Buffer.from(JSON.stringify({ event: "started", sequence: 1 })));
        return new Promise(() => {});
      default:
        return { operation, pod: pod.metadata.name };
    }
  };
}
