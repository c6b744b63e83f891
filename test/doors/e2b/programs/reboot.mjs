// A sandbox that is paused without its memory: it boots from its files, with its metadata and variables.
import assert from "node:assert/strict";

import { Sandbox } from "e2b";

const boot = "/proc/sys/kernel/random/boot_id";
const sandbox = await Sandbox.create({ metadata: { kept: "yes" }, envs: { KEPT: "too" } });
try {
  await sandbox.files.write("note", "written before");
  await sandbox.commands.run("echo gone > /run/user-note || sudo sh -c 'echo gone > /run/user-note'; sync");
  const { pid } = await sandbox.commands.run("sleep 3600", { background: true });
  const before = await sandbox.files.read(boot);

  assert.equal(await sandbox.pause({ keepMemory: false }), true);
  assert.equal((await Sandbox.getInfo(sandbox.sandboxId)).state, "paused");
  assert.equal(await sandbox.isRunning(), false);
  await sandbox.connect();

  assert.equal(await sandbox.files.read("note"), "written before");
  assert.notEqual(await sandbox.files.read(boot), before);
  assert.equal(await sandbox.files.exists("/run/user-note"), false);
  assert.ok(!(await sandbox.commands.list()).some((process) => process.pid === pid));
  assert.equal((await sandbox.commands.run("echo $KEPT; pgrep -c -x sleep || true")).stdout, "too\n0\n");
  assert.deepEqual((await sandbox.getInfo()).metadata, { kept: "yes" });
} finally {
  await sandbox.kill();
}
console.log("reboot done");
