import type { Handler } from "../core.js";
import { compareWorkspace, readBase } from "./changes.js";
import { toContract } from "../../workspace/wire.js";

/** The most entries that cannot be pulled, listed in one answer. */
const LISTED = 100;

export const taskChanges: Handler<"task.changes"> = async ({ tasks }, input, call) => {
  const task = tasks.get(input.task_id);
  const { origin, changes, unsupported } = await task.readFiles(call, async (channel) =>
    compareWorkspace(channel, await readBase(task.base), input, input),
  );
  return {
    task_id: input.task_id,
    name: task.name,
    origin,
    changes: changes.map(({ path, base, task: now }) => ({ path, base: toContract(base), task: toContract(now) })),
    unsupported: unsupported.slice(0, LISTED),
  };
};
