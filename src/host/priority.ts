import { readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { setPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

import { readChildren } from "./process.js";

/** Nice values: a background process gets a tenth of the CPU time of others. */
const nice = { low: 10, normal: 0 } as const;
/** The kernel lets an ordinary user change a session's priority ten times a second. */
const AGAIN_MS = 50;
const TRIES = 20;

/**
 * Gives a process, its children and its session a low priority, or the normal one again. Where the scheduler groups by session, the
 * session's value decides, and any user may change it. Elsewhere each thread's own value decides, and only root may raise it again, so
 * an ordinary user's processes keep theirs. Best effort: processes that are gone or may not be changed are skipped.
 */
export async function setLowPriority(pid: number, isLow: boolean): Promise<void> {
  const value = isLow ? nice.low : nice.normal;
  if (process.geteuid?.() === 0) setThreads(pid, value);
  for (let tries = 0; tries < TRIES; tries++) {
    const failure = await writeFile(`/proc/${pid}/autogroup`, String(value)).catch((error: unknown) => error);
    if ((failure as NodeJS.ErrnoException | undefined)?.code !== "EAGAIN") return;
    await sleep(AGAIN_MS);
  }
}

function setThreads(pid: number, value: number): void {
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`).map(Number)) setPriority(thread, value);
    for (const child of readChildren(pid)) setThreads(child, value);
  } catch {
    // The process has ended.
  }
}
