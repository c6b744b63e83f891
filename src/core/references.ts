import type { Core } from "./core.js";

/** An input in which a task is named by its id, however the caller named it. Throws NOT_FOUND for an unknown name. */
export function resolveReferences(core: Core, input: object): object {
  if (!("task_id" in input) || typeof input.task_id !== "string") return input;
  return { ...input, task_id: core.tasks.resolve(input.task_id) };
}
