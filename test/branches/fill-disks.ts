import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { endOf } from "../client/scratch.js";

const program = fileURLToPath(new URL("./disk-full.js", import.meta.url));

/** Runs `disk-full.ts`, which mounts a disk: for an ordinary user as root of a user namespace. */
export async function fillDisks(say: (line: string) => void): Promise<void> {
  const words = [process.execPath, program];
  const [first = "", ...rest] = process.getuid?.() === 0 ? words : ["unshare", "--map-root-user", "--mount", ...words];
  const child = spawn(first, rest, { stdio: ["ignore", "pipe", "pipe"] });
  const { status, stdout, stderr } = await endOf(child);
  say(stdout.trimEnd());
  assert.equal(status, 0, stderr);
}
