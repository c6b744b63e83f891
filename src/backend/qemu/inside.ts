import { Readable } from "node:stream";

import { PyroError } from "../../contract/errors.js";
import { readProcessIdentity, type ProcessIdentity } from "../../host/process.js";
import { type ChildProcess } from "../../host/spawn.js";

/** The jailer's status is a few lines. */
const KEPT_STATUS = 4_096;

/** The first process of a jail; null when it did not start. The jailer reports its id as JSON on a descriptor. */
export function readInside(child: ChildProcess, statusFd: number): Promise<ProcessIdentity | null> {
  const streams: readonly unknown[] = child.stdio;
  const status = streams[statusFd];
  return new Promise((resolve) => {
    if (!(status instanceof Readable)) return resolve(null);
    let text = "";
    status.on("data", (chunk: Buffer) => {
      text = (text + chunk.toString("utf8")).slice(-KEPT_STATUS);
      const pid = /"child-pid":\s*(\d+)/.exec(text)?.[1];
      if (pid !== undefined) resolve(readProcessIdentity(Number(pid)));
    });
    status.on("close", () => resolve(null));
    status.on("error", () => resolve(null));
  });
}

/** Resolves when QEMU has mapped the memory of a snapshot, as `preload/` answers. Rejects with VM_DIED when it ends first. */
export async function readMapped(child: ChildProcess, mappedFd: number): Promise<void> {
  const streams: readonly unknown[] = child.stdio;
  const answer = streams[mappedFd];
  const isMapped = new Promise<boolean>((resolve) => {
    if (!(answer instanceof Readable)) return resolve(false);
    answer.once("data", () => resolve(true));
    answer.on("close", () => resolve(false));
    answer.on("error", () => resolve(false));
  });
  if (!(await isMapped)) throw new PyroError("VM_DIED", "The VM ended before the memory of its snapshot was mapped.");
}
