import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { commandLineOf, processesOf, until } from "../client/scratch.js";
import type { TaskScratch } from "../faults/task-scratch.js";

const readText = (path: string) => readFileSync(path, "utf8");

/**
 * Checks, when every task is deleted, that no process, file, socket, mount or namespace is left but the daemon's own. A namespace needs no
 * check of its own: it lives by a process or by a mount.
 */
export async function assertNothingLeft(scratch: TaskScratch): Promise<void> {
  const daemon = await scratch.daemonPid();
  const others = () =>
    processesOf(scratch.home).filter((pid) => pid !== daemon && !commandLineOf(pid)[0]?.endsWith("flock"));
  await until("only the daemon is left", async () => others().length === 0, 120).catch((error: unknown) => {
    const left = others().map((pid) => commandLineOf(pid).join(" ").slice(0, 200));
    throw new Error(`processes are left: ${left.join("; ")}`, { cause: error });
  });
  const directories = ["tasks", "snapshots", "vms", "vm-records"];
  const files = () => [
    ...directories.flatMap((name) => readdirSync(join(scratch.home, name)).map((entry) => `${name}/${entry}`)),
    ...scratch.leftovers(),
  ];
  await until("no file is left", () => files().length === 0).catch((error: unknown) => {
    throw new Error(`files are left: ${files().join(", ")}`, { cause: error });
  });
  const naming = (path: string) =>
    readText(path)
      .split("\n")
      .filter((line) => line.includes(scratch.directory));
  for (const process of ["self", String(daemon)]) assert.deepEqual(naming(`/proc/${process}/mountinfo`), []);
  assert.deepEqual(
    naming("/proc/net/unix").filter((line) => !line.endsWith("/daemon.sock")),
    [],
  );
}
