import { execFileSync } from "node:child_process";
import type { TestContext } from "node:test";

import { temporaryDirectory } from "./scratch.js";

/** Runs a script of this folder with a small tmpfs as its directory, in a mount namespace that removes the tmpfs at the end. */
export function runOnTinyDisk(context: TestContext, script: string, size: string): void {
  const directory = temporaryDirectory(context);
  const mountAndRun = 'mount -t tmpfs -o "size=$1" pyro-test "$2" && exec "$3" "$4" "$2"';
  execFileSync(
    "unshare",
    [...namespaceFlags, "sh", "-c", mountAndRun, "sh", size, directory, process.execPath, script],
    { stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 },
  );
}

const namespaceFlags = process.getuid?.() === 0 ? ["-m"] : ["-rm"];
