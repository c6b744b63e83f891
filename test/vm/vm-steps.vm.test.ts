import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import type { Client } from "../../src/client/client.js";
import { until } from "../client/scratch.js";
import { VmScratch } from "./vm-scratch.js";

const HOUR_MS = 3_600_000;

let scratch: VmScratch;
let client: Client;
before(() => {
  scratch = new VmScratch();
  ({ client } = scratch);
});
after(async () => {
  const left = [...scratch.leftovers(), ...readdirSync(join(scratch.home, "vm-records"))];
  await scratch[Symbol.asyncDispose]();
  assert.deepEqual(left, []);
});

const create = (fields = {}) => client.call("vm.create", { environment: "debian:12", ...fields });
const failsWith = (code: string, state?: string) => (error: unknown) => {
  const { code: found, details } = error as { code: string; details: { state?: string } };
  return found === code && (state === undefined || details.state === state);
};

test("a VM step by step: created, started, used once, removed", async () => {
  const { vm_id, state, execution_mode } = await create();
  assert.deepEqual([state, execution_mode], ["created", null]);
  const started = await client.call("vm.start", { vm_id });
  assert.deepEqual([started.state, started.execution_mode], ["started", "guest"]);
  const chunks: string[] = [];
  const result = await client.call(
    "vm.exec",
    { vm_id, command: 'echo "$GREETING" from $(pwd); exit 4', cwd: "/tmp", env: { GREETING: "hello" } },
    { onEvent: (event) => void (event.event === "stdout" && chunks.push(Buffer.from(event.data).toString())) },
  );
  assert.deepEqual([result.exit_code, result.stdout, chunks.join("")], [4, "hello from /tmp\n", "hello from /tmp\n"]);
  assert.deepEqual(result.cleanup, { deleted: true });
  await assert.rejects(client.call("vm.status", { vm_id }), failsWith("NOT_FOUND"));
});

test("an operation that the VM's state does not allow: the error names the state", async () => {
  const { vm_id } = await create();
  await assert.rejects(client.call("vm.exec", { vm_id, command: "true" }), failsWith("FAILED_PRECONDITION", "created"));
  assert.equal((await client.call("vm.stop", { vm_id })).state, "stopped");
  for (const name of ["vm.start", "vm.stop"] as const) {
    await assert.rejects(client.call(name, { vm_id }), failsWith("FAILED_PRECONDITION", "stopped"));
  }
  assert.deepEqual(await client.call("vm.delete", { vm_id }), { vm_id, deleted: true });
  await assert.rejects(client.call("vm.delete", { vm_id }), failsWith("NOT_FOUND"));
});

test("a started VM outlives the daemon, and is used by the next one", async () => {
  const { vm_id } = await create();
  await client.call("vm.start", { vm_id });
  await scratch.killDaemon();
  assert.equal((await client.call("vm.status", { vm_id })).state, "started");
  const { stdout } = await client.call("vm.exec", { vm_id, command: "hostname" });
  assert.equal(stdout, `${vm_id}\n`);
});

test("a paused VM that a new daemon adopts: a command waits for it within its time-out", async () => {
  const [{ vm_id: moving }, { vm_id: still }] = [await create(), await create()];
  for (const vm_id of [moving, still]) await client.call("vm.start", { vm_id });
  const [qemu, stopped] = [scratch.qemuOfVm(moving), scratch.qemuOfVm(still)];
  process.kill(qemu, "SIGSTOP");
  process.kill(stopped, "SIGSTOP");
  await scratch.killDaemon();
  await until("it is shown that it does not answer", async () => {
    const { state, state_reason } = await client.call("vm.status", { vm_id: moving });
    assert.equal(state, "started");
    return state_reason !== null;
  });
  const late = await client.call("vm.exec", { vm_id: still, command: "true", timeout_seconds: 1 });
  assert.deepEqual([late.timed_out, late.cleanup], [true, { deleted: true }]);
  const patient = client.call("vm.exec", { vm_id: moving, command: "hostname" });
  process.kill(qemu, "SIGCONT");
  assert.equal((await patient).stdout, `${moving}\n`);
});

test("a VM that is deleted while its command runs: the caller gets ABORTED", async () => {
  const { vm_id } = await create();
  await client.call("vm.start", { vm_id });
  let begun = () => {};
  const running = new Promise<void>((resolve) => (begun = resolve));
  const exec = client.call("vm.exec", { vm_id, command: "echo begun; sleep 60" }, { onEvent: () => begun() });
  await running;
  await assert.rejects(client.call("vm.exec", { vm_id, command: "true" }), failsWith("FAILED_PRECONDITION", "started"));
  await client.call("vm.delete", { vm_id });
  const { aborted, stdout } = await exec;
  assert.deepEqual([aborted, stdout], [true, "begun\n"]);
});

test("a VM that is deleted while it starts is not left behind", async () => {
  const { vm_id } = await create();
  const start = () =>
    client.call("vm.start", { vm_id }).then(
      () => "started",
      (error: unknown) => (error as { code: string }).code,
    );
  // The second one is refused while the VM starts.
  const starts = [start(), start()];
  await Promise.race(starts);
  await client.call("vm.delete", { vm_id });
  const outcomes = (await Promise.all(starts)).filter((outcome) => outcome !== "FAILED_PRECONDITION");
  assert.ok(outcomes.length > 0);
  for (const outcome of outcomes) assert.ok(["ABORTED", "started", "NOT_FOUND"].includes(outcome), outcome);
  await until("nothing of it is left", () => !scratch.leftovers().includes(vm_id));
});

test("expired VMs are removed", async () => {
  const { vm_id } = await create({ ttl_seconds: 1 });
  await until("the VM is gone", async () => {
    const { removed } = await client.call("vm.reap_expired", {});
    const isGone = await client.call("vm.status", { vm_id }).then(
      () => false,
      () => true,
    );
    return isGone || removed.includes(vm_id);
  });
  assert.equal(existsSync(join(scratch.home, "vm-records", `${vm_id}.json`)), false);
});

test("a damaged record makes its VM unreadable; deleting it ends that VM and no other", async () => {
  const [{ vm_id: damaged }, { vm_id: other }] = [await create(), await create()];
  for (const vm_id of [damaged, other]) await client.call("vm.start", { vm_id });
  const path = join(scratch.home, "vm-records", `${damaged}.json`);
  await scratch.killDaemon();
  writeFileSync(path, '{"format":1,"vm_id":"../../etc"');
  const { state, state_reason, created_at, expires_at } = await client.call("vm.status", { vm_id: damaged });
  assert.deepEqual([state, expires_at], ["unreadable", null]);
  assert.ok(Math.abs(Date.now() - Date.parse(created_at)) < HOUR_MS, created_at);
  assert.match(state_reason!, /JSON/);
  for (const name of ["vm.start", "vm.stop"] as const) {
    await assert.rejects(client.call(name, { vm_id: damaged }), failsWith("FAILED_PRECONDITION", "unreadable"));
  }
  const exec = client.call("vm.exec", { vm_id: damaged, command: "true" });
  await assert.rejects(exec, failsWith("FAILED_PRECONDITION", "unreadable"));
  // A newer pyro that can read the record may need its machine.
  assert.ok(scratch.leftovers().includes(damaged));
  assert.deepEqual(await client.call("vm.delete", { vm_id: damaged }), { vm_id: damaged, deleted: true });
  assert.ok(!scratch.leftovers().some((name) => name.includes(damaged)));
  assert.equal(existsSync(path), false);
  await assert.rejects(client.call("vm.delete", { vm_id: damaged }), failsWith("NOT_FOUND"));
  assert.equal((await client.call("vm.exec", { vm_id: other, command: "hostname" })).stdout, `${other}\n`);
});

test("an unknown environment and invalid ids are refused", async () => {
  await assert.rejects(create({ environment: "debian:99" }), failsWith("ENVIRONMENT_UNKNOWN"));
  await assert.rejects(client.call("vm.start", { vm_id: "../../etc" }), failsWith("INVALID_ARGUMENT"));
  await assert.rejects(client.call("vm.start", { vm_id: "vm-000000000000" }), failsWith("NOT_FOUND"));
});
