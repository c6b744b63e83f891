import { Readable } from "node:stream";

import { readProcessIdentity, type ProcessIdentity } from "../../host/process.js";
import { type ChildProcess } from "../../host/spawn.js";

/** Bubblewrap's status is a few lines. */
const KEPT_STATUS = 4_096;

/** The first process of a jail; null when it did not start. Bubblewrap reports its id as JSON on a descriptor. */
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
