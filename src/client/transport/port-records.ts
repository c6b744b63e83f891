import { setTimeout as sleep } from "node:timers/promises";

import { PyroError } from "../../contract/errors.js";
import { readJson, writeFileAtomic } from "../../host/files.js";
import { lockFile, type HeldLock } from "../../host/locks.js";
import { findFlock } from "../flock.js";
import type { Place } from "./place.js";

/** A port of a task: where it is published on the other machine, and where this machine leads there. */
export interface Forwarded {
  readonly task_id: string;
  readonly port: number;
  readonly far: number;
  readonly here: number;
}

const PAUSE_MS = 20;
/** A time longer than all requests of one call to ssh's master take. */
const MAX_WAIT_MS = 120_000;

export async function readRecords(place: Place): Promise<readonly Forwarded[]> {
  const value = await readJson(place.ports);
  return Array.isArray(value) ? value.filter(isForwarded) : [];
}

export async function writeRecords(place: Place, all: readonly Forwarded[]): Promise<void> {
  await writeFileAtomic(place.ports, `${JSON.stringify(all)}\n`);
}

/** Does something while no other call, of this process or another one, changes the records. Throws HOST_NOT_ABLE without flock. */
export async function withRecordsLocked<Result>(place: Place, work: () => Promise<Result>): Promise<Result> {
  const lock = await takeLock(place);
  try {
    return await work();
  } finally {
    lock.release();
  }
}

async function takeLock(place: Place): Promise<HeldLock> {
  const flock = await findFlock(place.env);
  const end = performance.now() + MAX_WAIT_MS;
  for (;;) {
    const lock = lockFile(place.portsLock, flock);
    if (lock !== null) return lock;
    if (performance.now() > end) throw busy(place);
    await sleep(PAUSE_MS);
  }
}

function busy({ context }: Place): PyroError {
  return new PyroError(
    "DAEMON_UNREACHABLE",
    `Another call forwards ports of the context ${context.name}, and does not end.`,
    {
      hint: "End it, and try again.",
      details: { context: context.name },
    },
  );
}

function isForwarded(value: unknown): value is Forwarded {
  if (typeof value !== "object" || value === null) return false;
  const { task_id, port, far, here } = value as Record<string, unknown>;
  return typeof task_id === "string" && [port, far, here].every((number) => Number.isInteger(number));
}
