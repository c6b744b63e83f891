import { createFilter } from "../../../archive/filter.js";
import type { Machine } from "../../../backend/backend.js";
import type { InputOf } from "../../../contract/operations.js";
import type { TaskRecord } from "../../../store/task-record.js";
import type { Call } from "../../call.js";
import { WORKSPACE } from "../../workspace/destination.js";
import { stageSource } from "../../workspace/import.js";
import { isGone } from "../../workspace/removals.js";
import type { Task } from "../task.js";

type Seed = TaskRecord["workspace_seed"];

/**
 * Updates a workspace that was seeded from an earlier state of the caller's source: removes entries that the source no longer has, and
 * keeps files of the setup.
 */
export async function seedAgain(
  task: Task,
  machine: Machine,
  earlier: Seed,
  input: InputOf<"task.create"> & { readonly source_path: string },
  call: Call,
): Promise<void> {
  const { pushes } = task;
  const facts = { mode: input.source_kind, sourcePath: input.source_path, destination: WORKSPACE };
  const before = { ...facts, sourcePath: earlier.source_path ?? input.source_path };
  const staged = await stageSource(machine, WORKSPACE, input, call, {
    record: (id) => pushes.record(id, facts),
    earlier: pushes.earlier(before),
    deletes: true,
  });
  const filter = createFilter(input);
  await pushes.switchIn(staged, facts, (path) => !isGone(path, staged.paths, filter));
  await pushes.base.keepAsSeed();
  await task.vm.change({
    workspace_seed: {
      ...{ mode: input.source_kind, source_path: input.source_path, destination: WORKSPACE },
      ...{ entry_count: staged.counts.entryCount, bytes_written: staged.counts.bytesWritten },
      ignored_xattr_count: input.source_kind === "archive" ? staged.counts.ignoredXattrCount : null,
    },
  });
}
