import type { Handler } from "../core.js";
import { findReadable } from "../tasks/read-from-disk.js";
import { readBase } from "./changes.js";
import { recordedBase, snapshotBase } from "./diff-base.js";
import { diffWorkspace } from "./diff.js";

/** `task.diff`: compares the workspace with a recorded base, or with the files of a snapshot. */
export const taskDiff: Handler<"task.diff"> = async ({ tasks }, input, call) => {
  const task = tasks.get(input.task_id);
  const { since } = input;
  if (since === "seed" || since === "push") {
    const base = recordedBase(task.base, since);
    return task.readFiles(call, (channel, signal) => diffWorkspace(channel, base, input, signal));
  }
  const { snapshots, machines } = task.vm.parts;
  const snapshot = await findReadable(snapshots, since);
  const { origin } = await readBase(task.base);
  return task.readFiles(call, (channel, signal) =>
    machines.readSnapshot(snapshot, signal, (before) =>
      diffWorkspace(channel, snapshotBase(before, origin), input, signal),
    ),
  );
};
