import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { lookAtName, readdir, rm } from "./files.js";
import { isAlive, readProcessIdentity } from "./process.js";

const NAME = /^tmp-(\d+)\.(\d+)-/;
const WHOLE_NAME = /^tmp-\d+\.\d+-[0-9a-f]{12}$/;

/** A temporary name that contains its owner, so that a daemon sweeps only its own leftovers. */
export function newTemporaryName(): string {
  const { pid } = process;
  return `tmp-${pid}.${readProcessIdentity(pid)?.startTicks ?? 0}-${randomBytes(6).toString("hex")}`;
}

export function isTemporaryName(name: string): boolean {
  return name.startsWith("tmp-");
}

/** Removes leftovers of killed daemons. `prepare` runs for each path first. */
export async function sweepTemporaries(
  parent: string,
  prepare: (path: string) => Promise<unknown> = async () => {},
): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!isTemporaryName(name) || isMakerAlive(name)) continue;
    const path = join(parent, name);
    await prepare(path);
    await rm(path, { recursive: true, force: true });
  }
}

/** Removes the files that killed daemons left in a directory of the user, as far as it can. Other names stay: they may be the user's. */
export async function sweepDrafts(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    if (!WHOLE_NAME.test(name) || isMakerAlive(name)) continue;
    const path = join(parent, name);
    if (lookAtName(path)?.isFile()) await rm(path, { force: true }).catch(() => {});
  }
}

function isMakerAlive(name: string): boolean {
  const [, pid, startTicks] = NAME.exec(name) ?? [];
  return pid !== undefined && isAlive({ pid: Number(pid), startTicks: Number(startTicks) });
}
