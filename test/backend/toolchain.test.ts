import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { QemuBackend } from "../../src/backend/qemu/qemu.js";
import { computeTemplateKey, type TemplateInputs } from "../../src/backend/qemu/template.js";
import type { InstalledToolchain } from "../../src/toolchain/installed.js";
import { ScratchDirectory } from "../archive/trees.js";

/** A backend on a host whose QEMU is a script of the test. */
async function openBackend(privateToolchain?: () => Promise<InstalledToolchain | null>) {
  const scratch = new ScratchDirectory();
  const qemu = join(scratch.path, "qemu-system-x86_64");
  const path = process.env["PATH"];
  process.env["PATH"] = `${scratch.path}:${path}`;
  const place = {
    homePath: scratch.path,
    runtimePath: scratch.path,
    log: null as never,
    groups: null as never,
    preference: "tcg",
  };
  const programs = {
    agentPath: qemu,
    gatePath: qemu,
    keeperPath: qemu,
    preloadPath: qemu,
    pagesPath: qemu,
    checkpointPath: qemu,
    restorePath: qemu,
  };
  const backend = await QemuBackend.open({ ...place, ...programs, ...(privateToolchain ? { privateToolchain } : {}) });
  return {
    ...{ backend, qemu },
    writeQemu: (version: string) =>
      writeFileSync(qemu, `#!/bin/sh\necho QEMU emulator version ${version}\n`, { mode: 0o755 }),
    [Symbol.dispose]() {
      process.env["PATH"] = path;
      scratch[Symbol.dispose]();
    },
  };
}

async function keyOf(backend: QemuBackend, agentPath: string): Promise<string> {
  const shape = { vcpuCount: 1, memMib: 256, diskMib: 1024, network: false };
  const inputs = { toolchain: await backend.toolchain(), accelerator: "tcg", shape, agentPath, keeperPath: "" };
  return computeTemplateKey({ ...inputs, environment: { digest: "0" }, gate: null } as unknown as TemplateInputs);
}

test("a QEMU that is replaced while the daemon runs: the daemon uses the new one, and templates get another key", async () => {
  using host = await openBackend();
  host.writeQemu("7.2.0");
  const before = await host.backend.toolchain();
  assert.equal(await host.backend.toolchain(), before);
  assert.deepEqual(before.traits, { readOnlyMemory: false });
  const key = await keyOf(host.backend, host.qemu);
  rmSync(host.qemu);
  host.writeQemu("10.0.11");
  const after = await host.backend.toolchain();
  assert.deepEqual(after.traits, { readOnlyMemory: true });
  assert.notEqual(await keyOf(host.backend, host.qemu), key);
});

test("a private toolchain that is installed or removed: the next VM uses the matching QEMU", async () => {
  let own: InstalledToolchain | null = null;
  using host = await openBackend(async () => own);
  host.writeQemu("7.2.0");
  assert.equal((await host.backend.engine())?.source, "host");
  const path = join(host.qemu, "..", "toolchain");
  mkdirSync(path);
  own = { id: "1", path, qemuVersion: "10.0.0 (Debian)", manifest: null as never };
  assert.deepEqual(await host.backend.engine(), {
    version: "10.0.0 (Debian)",
    path: join(path, "usr/bin/qemu-system-x86_64"),
    source: "private",
  });
  const [usr] = (await host.backend.toolchain()).system;
  assert.deepEqual(usr, { path: "/usr", is: { directory: join(path, "usr") } });
  own = { ...own, id: "2" };
  assert.equal((await host.backend.toolchain()).privateId, "2");
  own = null;
  assert.equal((await host.backend.engine())?.version, "7.2.0");
});
