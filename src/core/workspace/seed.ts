import type { Machine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { TaskRecord } from "../../store/task-record.js";
import type { WorkspaceBase } from "../../store/workspace-base.js";
import type { Call } from "../call.js";
import { WORKSPACE } from "./destination.js";
import { type OptionalSource, stageSource } from "./import.js";
import type { Pushes } from "./pushes.js";
import { recordImport } from "./record-import.js";

type Seed = TaskRecord["workspace_seed"];

export const emptySeed: Seed = {
  mode: "empty",
  source_path: null,
  destination: WORKSPACE,
  entry_count: 0,
  bytes_written: 0,
  ignored_xattr_count: 0,
};

/** The result of a seed. */
export interface Seeded {
  readonly seed: Seed;
  /** Keeps the list of imported entries, for pushes with `delete`. */
  readonly keep: (pushes: Pushes) => Promise<void>;
}

/** Fills the workspace of a new machine with its caller's source, if there is one, and records it in the base of the new task. */
export async function seedWorkspace(
  machine: Machine,
  input: OptionalSource,
  call: Call,
  base?: WorkspaceBase,
): Promise<Seeded> {
  if (input.source_path === undefined) return { seed: emptySeed, keep: () => Promise.resolve() };
  const facts = { mode: input.source_kind, sourcePath: input.source_path, destination: WORKSPACE };
  const record = base && ((id: string) => recordImport(base, id, facts));
  const staged = await stageSource(machine, WORKSPACE, input, call, { ...(record && { record }) });
  const committed = await staged.commit();
  if (committed instanceof PyroError) throw committed;
  await staged.recorder?.prepare();
  await base?.settle(staged.id, true);
  await base?.keepAsSeed();
  const seed = {
    mode: input.source_kind,
    source_path: input.source_path,
    destination: WORKSPACE,
    entry_count: staged.counts.entryCount,
    bytes_written: staged.counts.bytesWritten,
    ignored_xattr_count: input.source_kind === "archive" ? staged.counts.ignoredXattrCount : null,
  };
  return { seed, keep: (pushes) => pushes.keepSeed(staged, committed, facts) };
}
