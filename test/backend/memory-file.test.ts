import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { makeMemoryFile } from "../../src/backend/qemu/memory-file.js";
import { isInMemory } from "../../src/host/disk.js";
import { mountingTest } from "../client/mounting-test.js";

mountingTest(
  import.meta.url,
  "the memory of a template is allocated whole on tmpfs, sparse on a disk, and refused where it does not fit",
  async () => {
    const directory = mkdtempSync(join(tmpdir(), "pm-"));
    const [small, large, disk] = ["small", "large", "disk"].map((name) => join(directory, name)) as [
      string,
      string,
      string,
    ];
    for (const path of [small, large, disk]) mkdirSync(path);
    const mount = (size: string, path: string) =>
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "pyro-test", path]);
    mount("2m", small);
    mount("8m", large);
    try {
      await makeMemoryFile(join(large, "ram"), 4);
      const { size, blocks } = statSync(join(large, "ram"));
      assert.deepEqual([size, blocks * 512], [4 << 20, 4 << 20]);
      await assert.rejects(makeMemoryFile(join(small, "ram"), 4), { code: "DISK_FULL" });
      assert.ok(!existsSync(join(small, "ram")) || statSync(join(small, "ram")).blocks === 0);
      await makeMemoryFile(join(disk, "ram"), 4);
      const onDisk = statSync(join(disk, "ram"));
      assert.equal(onDisk.size, 4 << 20);
      if (!(await isInMemory(disk))) assert.equal(onDisk.blocks, 0);
    } finally {
      for (const path of [small, large]) execFileSync("umount", [path]);
      rmSync(directory, { recursive: true });
    }
  },
);
