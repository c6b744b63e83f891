import { join } from "node:path";

import { readdir, rename, rm } from "../host/files.js";
import { diskUsageBytes } from "../host/disk.js";
import type { PruneReport } from "./backend.js";
import { isTemporaryName, newTemporaryName } from "../host/temporary.js";

interface PrunableDirectory {
  readonly path: string;
  readonly kind: "template" | "leftover";
  /** The environment that an entry was made from; null when it is unknown. */
  environmentOf(name: string): Promise<string | null>;
  isHeld(environmentDigest: string): boolean;
  /** Only lists the entries that would be removed. */
  readonly dryRun: boolean;
}

/** Removes a directory's entries whose environment is not held. Keeps entries that are still being made. */
export async function prunePrepared(directory: PrunableDirectory): Promise<PruneReport> {
  const { path, kind, environmentOf, isHeld, dryRun } = directory;
  const removed: { kind: "template" | "leftover"; name: string }[] = [];
  const kept: { name: string; reason: string }[] = [];
  let freedBytes = 0;
  for (const name of await readdir(path)) {
    if (isTemporaryName(name)) continue;
    const bytes = await diskUsageBytes(join(path, name));
    const environment = await environmentOf(name);
    if (environment !== null && isHeld(environment)) {
      kept.push({ name, reason: "in use" });
      continue;
    }
    if (!dryRun) await removeWhole(path, name);
    removed.push({ kind, name });
    freedBytes += bytes;
  }
  return { removed, kept, freedBytes };
}

/** The rename removes it at once, even if the removal of its bytes fails later. */
async function removeWhole(path: string, name: string): Promise<void> {
  const leaving = join(path, newTemporaryName());
  await rename(join(path, name), leaving);
  await rm(leaving, { recursive: true, force: true });
}
