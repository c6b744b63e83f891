import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { lookAtName, readdir, readlinkSync, rm } from "./files.js";
import { readBootIdentity } from "./platform.js";
import { isAlive, readProcessIdentity } from "./process.js";
import { shortDigest } from "./short-digest.js";

const NAME = /^tmp-(\d+)\.(\d+)-/;
const DRAFT = /^tmp-\d+\.\d+-([0-9a-f]{8})-[0-9a-f]{12}$/;
/** A draft of another host or container is swept when nothing was written to it for this long: whether its maker lives is unknown here. */
const FOREIGN_DRAFT_MS = 86_400_000;

/** A temporary name that contains its owner, so that a daemon sweeps only its own leftovers. */
export function newTemporaryName(): string {
  const { pid } = process;
  return `tmp-${pid}.${readProcessIdentity(pid)?.startTicks ?? 0}-${randomBytes(6).toString("hex")}`;
}

/** The same for a file in a directory that other hosts and containers may share: it also names the kernel and its process ids. */
export function newDraftName(): string {
  return newTemporaryName().replace(/-([0-9a-f]+)$/, `-${identifyPlace()}-$1`);
}

function identifyPlace(): string {
  const place = `${readBootIdentity().bootId} ${readlinkSync("/proc/self/ns/pid")}`;
  return shortDigest(place, 8);
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

/** Removes the drafts that killed daemons left in a directory of the user, as far as it can. Other names stay: they may be the user's. */
export async function sweepDrafts(parent: string): Promise<void> {
  const here = identifyPlace();
  for (const name of await readdir(parent).catch(() => [])) {
    const [, place] = DRAFT.exec(name) ?? [];
    if (place === undefined) continue;
    const path = join(parent, name);
    const draft = lookAtName(path);
    const isOver = place === here ? !isMakerAlive(name) : Date.now() - (draft?.mtimeMs ?? 0) > FOREIGN_DRAFT_MS;
    if (draft?.isFile() && isOver) await rm(path, { force: true }).catch(() => {});
  }
}

function isMakerAlive(name: string): boolean {
  const [, pid, startTicks] = NAME.exec(name) ?? [];
  return pid !== undefined && isAlive({ pid: Number(pid), startTicks: Number(startTicks) });
}
