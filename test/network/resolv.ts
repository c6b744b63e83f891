import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { endOf, pyroPath } from "../client/scratch.js";
import type { TaskScratch } from "../faults/task-scratch.js";

/** Starts this home's daemon where /etc/resolv.conf names another resolver. Needs root. */
export async function startDaemonWithResolver(scratch: TaskScratch, resolver: string): Promise<void> {
  await scratch.pyro(["daemon", "stop"]);
  const file = join(scratch.directory, "resolv.conf");
  writeFileSync(file, `nameserver ${resolver}\n`);
  const script = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
  const words = ["--mount", "sh", "-c", script, "sh", file, process.execPath, pyroPath, "doctor"];
  const { status, stderr } = await endOf(spawn("unshare", words, { env: scratch.env, cwd: scratch.directory }));
  assert.equal(status, 0, stderr);
}
