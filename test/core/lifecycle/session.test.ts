import assert from "node:assert/strict";
import { test } from "node:test";
import pino from "pino";

import { PyroError } from "../../../src/contract/errors.js";
import { adoptMachine, MachineSession, type Loss } from "../../../src/core/lifecycle/session.js";
import { asFound } from "../../../src/core/machines/lasting.js";
import { AgentMachines } from "../agent-machines.js";

const log = pino({ level: "silent" });

/** A session on the agent as a plain process, and the reason why it was lost. */
async function openSession(machines: AgentMachines, died = new Promise<string>(() => {})) {
  const { machine } = await machines.acquire();
  let answer = () => {};
  let report: (loss: Loss) => void = () => {};
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const lost = new Promise<Loss>((resolve) => (report = resolve));
  const losses: Loss[] = [];
  const session = new MachineSession({
    machine: asFound({ ...machine, died }),
    machines,
    log,
    onAnswer: () => answer(),
    onLost: async (loss) => {
      losses.push(loss);
      report(loss);
    },
  });
  await answered;
  return { session, lost, losses, channel: machine.channel };
}

test("a machine whose agent breaks the protocol is ended and reported as broken", async () => {
  await using machines = new AgentMachines();
  const { session, lost, channel } = await openSession(machines);
  channel.close(new PyroError("AGENT_PROTOCOL", "a frame was too long"));
  assert.deepEqual(await lost, { how: "broken", reason: "a frame was too long" });
  assert.equal(session.isOpen, false);
});

test("a machine that dies is reported with the reason, also when its channel closes first", async () => {
  await using machines = new AgentMachines();
  let die: (reason: string) => void = () => {};
  const { lost, channel } = await openSession(machines, new Promise((resolve) => (die = resolve)));
  channel.close(new PyroError("VM_DIED", "The connection ended."));
  await channel.closed;
  die("QEMU was killed");
  assert.deepEqual(await lost, { how: "died", reason: "QEMU was killed" });
});

test("a machine that was ended, or detached, is not reported as lost", async () => {
  await using machines = new AgentMachines();
  const [ended, detached] = [await openSession(machines), await openSession(machines)];
  await ended.session.end();
  detached.session.detach();
  for (const { channel, losses } of [ended, detached]) {
    await channel.closed;
    // The session hears of a closed channel in the same turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(losses, []);
  }
});

test("adopting a machine: returns the error when it cannot be adopted, and null without a handle", async () => {
  const failing = { adopt: async () => Promise.reject(new PyroError("AGENT_PROTOCOL", "another protocol")) };
  const lost = { backend: "qemu", id: "vm-1", handle: {}, environmentDigest: "d1" };
  assert.ok((await adoptMachine(failing, lost, log)) instanceof PyroError);
  assert.equal(await adoptMachine(failing, { ...lost, handle: null }, log), null);
});
