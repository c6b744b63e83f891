import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { whileRoom } from "../../src/backend/qemu/free-space.js";
import { mountingTest } from "../client/mounting-test.js";
import { temporaryDirectory } from "../store/scratch.js";

const MIB = 1_048_576;

mountingTest(import.meta.url, "a work that fills the disk is ended before the reserve is used", async (context) => {
  const path = temporaryDirectory(context);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=72m", "pyro-test", path]);
  try {
    const { signal } = new AbortController();
    assert.equal(await whileRoom(path, "A copy", signal, async () => "done"), "done");
    const fill = async (until: AbortSignal) => {
      writeFileSync(join(path, "copy"), Buffer.alloc(16 * MIB));
      await once(until, "abort");
    };
    await assert.rejects(whileRoom(path, "A copy", signal, fill), { code: "DISK_FULL" });
    const atOnce = async () => "done";
    await assert.rejects(whileRoom(path, "A copy", signal, atOnce), { code: "DISK_FULL" });
  } finally {
    execFileSync("umount", [path]);
  }
});
