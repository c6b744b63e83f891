import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { readdir, rm } from "./files.js";
import { isAlive, readProcessIdentity } from "./process.js";

const NAME = /^tmp-(\d+)\.(\d+)-/;

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

function isMakerAlive(name: string): boolean {
  const [, pid, startTicks] = NAME.exec(name) ?? [];
  return pid !== undefined && isAlive({ pid: Number(pid), startTicks: Number(startTicks) });
}
