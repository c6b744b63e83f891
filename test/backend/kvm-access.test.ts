import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { AcceleratorChoice } from "../../src/backend/qemu/accelerator.js";
import { buildOpening } from "../../src/backend/qemu/kvm-access.js";
import { findToolchain } from "../../src/backend/qemu/toolchain.js";
import { keeperPath } from "./keeper-path.js";

test("the suggested command that opens a device node fits the node's group and mode and the user of pyro", () => {
  const node = { path: "/dev/kvm", mode: 0o20600, gid: 0, group: "root", hasKvmGroup: true, asNobody: true };
  assert.equal(buildOpening(node), "sudo chgrp kvm /dev/kvm && sudo chmod g+rw /dev/kvm");
  assert.equal(
    buildOpening({ ...node, hasKvmGroup: false }),
    "sudo groupadd --system kvm && sudo chgrp kvm /dev/kvm && sudo chmod g+rw /dev/kvm",
  );
  assert.equal(buildOpening({ ...node, gid: 104, group: "kvm" }), "sudo chmod g+rw /dev/kvm");
  const ordinary = { ...node, mode: 0o20660, gid: 36, group: "virt", asNobody: false };
  assert.equal(buildOpening(ordinary), 'sudo usermod -aG virt "$USER"');
});

test("a device that the VM's user may not open is not used, also when root runs pyro; a new mode is noticed", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pk-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const device = join(directory, "kvm");
  writeFileSync(device, "", { mode: process.getuid?.() === 0 ? 0o600 : 0 });
  const toolchain = await findToolchain(keeperPath);
  const verdict = () => new AcceleratorChoice(directory, toolchain, undefined, device).kvmVerdict();
  const { exists, opens, usable } = await verdict();
  assert.deepEqual({ exists, opens, usable }, { exists: true, opens: false, usable: false });
  const saved = readFileSync(join(directory, "accelerator.json"), "utf8");
  assert.deepEqual(await verdict(), (JSON.parse(saved) as { kvm: unknown }).kvm);

  chmodSync(device, 0o666);
  assert.deepEqual(await verdict().then((now) => [now.opens, now.usable, now.reason]), [
    true,
    false,
    "/dev/kvm opens, but does not run a guest",
  ]);
});

test("a verdict without the device's mode, as an older pyro wrote it, is determined again", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "pk-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const toolchain = await findToolchain(keeperPath);
  const missing = join(directory, "kvm");
  await new AcceleratorChoice(directory, toolchain, undefined, missing).kvmVerdict();
  const path = join(directory, "accelerator.json");
  const { device: _device, user: _user, ...old } = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ ...old, kvm: { exists: true, opens: true, usable: true, reason: "it did" } }));
  const { usable } = await new AcceleratorChoice(directory, toolchain, undefined, missing).kvmVerdict();
  assert.equal(usable, false);
});
