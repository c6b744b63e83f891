import assert from "node:assert/strict";
import { test } from "node:test";

import { until } from "../client/scratch.js";
import { reach, tcp, udp } from "./guest-script.js";
import { openStage } from "./stage.js";

const PORT = 7809;
const { world, scratch, far } = await openStage(PORT);

const answered = { answer: "far got hello" };
const refused = [{ error: "ECONNREFUSED" }, { error: "EHOSTUNREACH" }];
const setRules = (task_id: string, rules: object = {}) => scratch.client.call("task.network", { task_id, ...rules });

/** Holds a connection to each address, and prints those that end. */
const hold = (...addresses: string[]) => `
import socket, threading
def wait(address):
    with socket.create_connection((address, ${PORT})) as s:
        print("held", address, flush=True)
        try: s.recv(1)
        except OSError: pass
        print("ended", address, flush=True)
for address in ${JSON.stringify(addresses)}: threading.Thread(target=wait, args=[address]).start()
`;

test("rules: new rules apply at once, end the connections that they forbid, and outlive the daemon, a stop and a fork", async () => {
  const task = await scratch.create({ network: true, network_deny: [`${world.other4}/32`] });
  const targets = [tcp(world.open4, PORT), udp(world.open4, PORT), tcp(world.other4, PORT), udp(world.other4, PORT)];
  const outcomes = (of = task) => reach(scratch, of, targets);
  assert.deepEqual(await outcomes(), [answered, answered, ...refused]);
  far.take();

  const opened = await setRules(task);
  assert.deepEqual(opened.network!.policy.deny, []);
  assert.deepEqual(await outcomes(), [answered, answered, answered, answered]);

  const { sequence } = await scratch.client.call("task.exec", {
    task_id: task,
    command: ["python3", "-c", hold(world.open4, world.other4)],
    background: true,
  });
  const output = async () =>
    (await scratch.client.call("task.exec_output", { task_id: task, sequence: sequence! })).stdout;
  await until("both connections are held", async () => (await output()).match(/held/g)?.length === 2);
  await setRules(task, { network_deny: [world.open4] });
  await until("the closed one has ended", async () => (await output()).includes(`ended ${world.open4}\n`));
  assert.ok(!(await output()).includes(`ended ${world.other4}`));
  assert.deepEqual(await outcomes(), [...refused, answered, answered]);

  // An allow comes before a deny; everything else is closed.
  await setRules(task, {
    network_allow: [world.open4, `${world.private4}:${PORT}`],
    network_deny: ["0.0.0.0/0", "::/0"],
  });
  assert.deepEqual(await outcomes(), [answered, answered, ...refused]);
  const others = [tcp(world.private4, PORT), tcp(world.open6, PORT)];
  assert.deepEqual(await reach(scratch, task, others), [answered, refused[0]]);

  await scratch.killDaemon();
  const { policy } = (await scratch.status(task)).network!;
  assert.deepEqual(
    [policy.allow, policy.deny],
    [
      [world.open4, `${world.private4}:${PORT}`],
      ["0.0.0.0/0", "::/0"],
    ],
  );
  await setRules(task, { network_deny: [world.other4] });
  assert.deepEqual(await outcomes(), [answered, answered, ...refused]);

  const { tasks } = await scratch.client.call("task.fork", { task_id: task });
  const fork = tasks[0]!.task_id;
  await scratch.client.call("task.stop", { task_id: task });
  await scratch.client.call("task.start", { task_id: task });
  for (const id of [task, fork]) {
    assert.deepEqual(await outcomes(id), [answered, answered, ...refused]);
    assert.deepEqual((await scratch.status(id)).network!.policy.deny, [world.other4]);
  }
  await scratch.delete(fork);
  await scratch.delete(task);
});
