import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { listGroups, readCgroupView } from "../../src/host/cgroup-place.js";
import { groupNameOf } from "../../src/host/control-groups.js";
import { isRoot } from "../../src/host/platform.js";
import { commandLineOf, until } from "../client/scratch.js";
import type { TaskScratch } from "../faults/task-scratch.js";
import { namespacesHeldBy, type Seen } from "./seen.js";

const readText = (path: string) => readFileSync(path, "utf8");

/**
 * Checks, when every task is deleted, that no process, file, socket, mount, namespace or control group is left but the daemon's own. A
 * namespace lives by a process, by a mount or by a descriptor.
 */
export async function assertNothingLeft(scratch: TaskScratch, seen: Seen): Promise<void> {
  const daemon = await scratch.daemonPid();
  const isAllowed = (pid: number) => pid === daemon || commandLineOf(pid)[0]?.endsWith("flock") === true;
  const others = () => {
    seen.look();
    return seen.alive(isAllowed);
  };
  await until("only the daemon is left", () => others().length === 0, 120).catch((error: unknown) => {
    throw new Error(`processes are left: ${others().join("; ")}`, { cause: error });
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
  assert.deepEqual(namespacesHeldBy(daemon), [], "the daemon holds namespaces");
  assert.deepEqual(controlGroups(scratch.home), [], "control groups are left");
}

/** The control groups of a home's VMs, where this host has them. */
function controlGroups(home: string): string[] {
  const { mountPoint, ownPath } = readCgroupView([], isRoot());
  if (mountPoint === null || ownPath.startsWith("/..")) return [];
  const paths = [mountPoint, join(mountPoint, ownPath)].map((parent) => join(parent, groupNameOf(home)));
  return paths.filter(existsSync).flatMap(listGroups);
}
