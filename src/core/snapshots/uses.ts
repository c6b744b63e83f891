import type { SnapshotRecord } from "../../store/snapshot-record.js";
import { noSnapshot } from "./errors.js";

interface Used {
  readonly record: Pick<SnapshotRecord, "snapshot_id">;
  /** Works that need its files. */
  readonly uses: Set<Promise<unknown>>;
}

/** Snapshots whose files may be gone. */
const ended = new WeakSet<Used["uses"]>();

/** Works with a snapshot, which is not removed meanwhile. Throws NOT_FOUND when it is removed already. */
export async function whileUsed<T>({ record, uses }: Used, use: () => Promise<T>): Promise<T> {
  if (ended.has(uses)) throw noSnapshot(record.snapshot_id);
  let end = () => {};
  const using = new Promise<void>((resolve) => (end = resolve));
  uses.add(using);
  try {
    return await use();
  } finally {
    uses.delete(using);
    end();
  }
}

/** Waits until nothing uses a snapshot; from then on, nothing can. */
export async function endUses({ uses }: Used): Promise<void> {
  while (uses.size > 0) await Promise.all(uses);
  ended.add(uses);
}
