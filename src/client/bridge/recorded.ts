import type { ResultOf } from "../../contract/operations.js";
import { RECORD_PREFIX } from "../kubernetes/pod-spec.js";
export type Task = ResultOf<"task.list">["tasks"][number];

/** A pod, or its claim. */
interface Holder {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
}

/** The tasks of a pod as they were when they were created: what is known of them when their daemon does not answer. */
export function readTasks({ metadata }: Holder): Task[] {
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

/** Why a task without a pod, whose volume is kept, does not run. */
export function explainClaim({ metadata }: { readonly metadata: { readonly name: string } }): string {
  return `its pod is gone, and its volume is kept (the claim ${metadata.name}): the next command makes a pod again`;
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
