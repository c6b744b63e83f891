import type { Machine } from "../../backend/backend.js";
import type { TaskRecord } from "../../store/task-record.js";
import type { Call } from "../core.js";
import { type OptionalSource, stageSource, WORKSPACE } from "./import.js";

type Seed = TaskRecord["workspace_seed"];

export const emptySeed: Seed = {
  mode: "empty",
  source_path: null,
  destination: WORKSPACE,
  entry_count: 0,
  bytes_written: 0,
};

/** Fills the workspace of a machine that nobody uses yet with the source that its caller gave, if any. */
export async function seedWorkspace(machine: Machine, input: OptionalSource, call: Call): Promise<Seed> {
  if (input.source_path === undefined) return emptySeed;
  const staged = await stageSource(machine, WORKSPACE, input, call);
  const refusal = await staged.commit();
  if (refusal) throw refusal;
  return {
    mode: input.source_kind,
    source_path: input.source_path,
    destination: WORKSPACE,
    entry_count: staged.counts.entryCount,
    bytes_written: staged.counts.bytesWritten,
  };
}
