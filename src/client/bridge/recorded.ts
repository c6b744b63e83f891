import type { ResultOf } from "../../contract/operations.js";
import { RECORD_PREFIX } from "../kubernetes/pod-spec.js";
import type { Pod } from "../kubernetes/pod-state.js";

export type Task = ResultOf<"task.list">["tasks"][number];

/** The tasks of a pod as they were when they were created: what is known of them when their daemon does not answer. */
export function readTasks({ metadata }: Pod): Task[] {
  return Object.entries(metadata.annotations ?? {})
    .filter(([key]) => key.startsWith(RECORD_PREFIX))
    .flatMap(([, text]) => {
      try {
        return [JSON.parse(text) as Task];
      } catch {
        return [];
      }
    });
}

/** A task whose pod has ended. */
export function asFailed(task: Task, why: string): Task {
  return {
    ...task,
    state: "failed",
    state_reason: why,
    network: null,
    running_commands: 0,
    ports: [],
    services: [],
    memory_bytes: null,
    memory_reserved_mib: null,
    disk_bytes: null,
  };
}
