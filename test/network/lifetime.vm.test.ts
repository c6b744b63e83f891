import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { after, before, test } from "node:test";

import { commandLineOf, kill, processesOf, until } from "../client/scratch.js";
import { TaskScratch } from "../faults/task-scratch.js";
import { reach, tcp, udp } from "./guest-script.js";
import { startDaemonWithResolver } from "./resolv.js";
import { World, type Peer } from "./world.js";

const PORT = 7804;
const MANY = 20;
/** A loopback address of this host that only this test uses. */
const RESOLVER = `127.83.${process.pid % 256}.53`;

let world: World;
let scratch: TaskScratch;
let far: Peer;
before(async () => {
  world = new World();
  scratch = new TaskScratch();
  far = await world.peer("far", PORT);
});
after(async () => {
  try {
    await scratch[Symbol.asyncDispose]();
    assert.deepEqual(networkNamespaces(scratch.home), []);
  } finally {
    await world[Symbol.asyncDispose]();
  }
});

/** The gates of this home's VMs. */
function gates(home: string): number[] {
  return processesOf(home).filter((pid) => commandLineOf(pid)[0]?.endsWith("/pyro-gate"));
}

/** Network namespaces of this home's processes, this test's own left out. */
function networkNamespaces(home: string): string[] {
  const own = readlinkSync("/proc/self/ns/net");
  const namespaces = processesOf(home).flatMap((pid) => {
    const path = `/proc/${pid}/ns/net`;
    return existsSync(path) ? [readlinkSync(path)] : [];
  });
  return [...new Set(namespaces)].filter((name) => name !== own);
}

const answered = { answer: "far got hello" };
const targets = () => [tcp(world.open4, PORT), tcp(world.open6, PORT), udp(world.open4, PORT)];

test("a gate has no rights, no files and no other user's identity", async () => {
  const task = await scratch.create({ network: true });
  const [gate] = gates(scratch.home);
  assert.ok(gate);
  const status = readFileSync(`/proc/${gate}/status`, "utf8");
  const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*?) *$`, "m").exec(status)?.[1];
  const caps = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(field);
  assert.deepEqual(new Set(caps), new Set(["0000000000000000"]));
  assert.deepEqual([field("Seccomp"), field("NoNewPrivs"), field("Groups")], ["2", "1", ""]);
  if (process.getuid?.() === 0) assert.equal(field("Uid"), "65534\t65534\t65534\t65534");
  assert.deepEqual(readdirSync(`/proc/${gate}/root`), []);
  await scratch.pyro(["task", "delete", task]);
  await until("the gate has ended with its VM", () => gates(scratch.home).length === 0);
});

test("a killed gate closes the network, and status shows that", async () => {
  const task = await scratch.create({ network: true });
  assert.deepEqual(await reach(scratch, task, targets()), [answered, answered, answered]);
  far.take();
  for (const pid of gates(scratch.home)) kill(pid);
  await until("the gate is gone", () => gates(scratch.home).length === 0);
  const outcomes = await reach(scratch, task, [...targets(), tcp(world.host4, 22)]);
  assert.deepEqual(
    outcomes.filter((outcome) => "answer" in outcome),
    [],
  );
  assert.deepEqual(far.take(), []);
  const status = await scratch.status(task);
  assert.deepEqual([status.state, status.network!.state, status.network!.counters], ["started", "down", null]);
  assert.match((await scratch.pyro(["task", "status", task])).stdout, /^Network: down/m);
  await scratch.pyro(["task", "delete", task]);
});

test("the network survives a killed daemon, and the next daemon finds its counters", async () => {
  const near = await world.hostPeer("near", PORT + 1);
  const task = await scratch.create({ network: true });
  await reach(scratch, task, [tcp(world.open4, PORT), tcp(world.host4, PORT + 1)]);
  const loop = `while :; do for a in ${world.open4}/${PORT} ${world.host4}/${PORT + 1}; do timeout 5 bash -c "echo alive >/dev/tcp/$a"; done; sleep 0.2; done 2>/dev/null`;
  const running = scratch.startExec(task, `echo begun; ${loop}`);
  await until("it runs", async () => (await scratch.entries(task)).some(({ stdout }) => stdout === "begun\n"));
  far.take();
  await scratch.killDaemon();
  await until("the world still hears it", () => far.heard.length > 3);
  assert.deepEqual(near.take(), []);
  const { network, state } = await scratch.status(task);
  assert.deepEqual([state, network!.state], ["started", "up"]);
  assert.ok(network!.counters!.refused > 1);
  assert.equal(network!.last_refused[0]!.address, world.host4);
  await scratch.pyro(["task", "delete", task]);
  running.kill();
  await until("the gate has ended with its VM", () => gates(scratch.home).length === 0);
  assert.deepEqual(networkNamespaces(scratch.home), []);
});

test("a clone and a task that continues are not asked to announce their addresses, over which Linux 6.12 deadlocks while they change", async () => {
  const task = await scratch.create({ network: true });
  // QEMU would ask five times within 1.6 s, by an interrupt each.
  const count = `sleep 3
    device=$(basename "$(readlink -f /sys/class/net/e*/device)")
    awk -v name="$device-config" '$NF == name { print $2 }' /proc/interrupts`;
  assert.equal((await scratch.exec(task, count)).stdout, "0\n");
  await scratch.pyro(["task", "stop", task]);
  assert.equal((await scratch.exec(task, count)).stdout, "0\n");
  await scratch.delete(task);
});

test("names are resolved by the host's resolver, also when that listens on the host's loopback", async () => {
  const resolver = await world.resolver(RESOLVER, world.open4);
  const other = await world.hostPeer("near", PORT + 2);
  await startDaemonWithResolver(scratch, RESOLVER);
  const flags = ["run", "--network", "--mem-mib", "256", "debian:12", "--"];
  const { status, stdout, stderr } = await scratch.pyro([...flags, "getent", "hosts", "www.pyro.test"]);
  assert.equal(status, 0, stderr);
  assert.match(stdout, new RegExp(`^${world.open4}\\s+www.pyro.test\n$`));
  assert.ok(resolver.take().includes("asked www.pyro.test"));
  const task = await scratch.create({ network: true });
  const [stand] = (await scratch.status(task)).network!.resolvers;
  const outcomes = await reach(scratch, task, [tcp(stand!, PORT + 2), udp(stand!, PORT + 2), tcp(RESOLVER, 53)]);
  assert.deepEqual(
    outcomes.filter((outcome) => "answer" in outcome),
    [],
  );
  assert.deepEqual([other.take(), resolver.take()], [[], []]);
  await scratch.pyro(["task", "delete", task]);
  await scratch.pyro(["daemon", "stop"]);
});

test("the caller's proxy on the host's loopback is passed on, and only that is opened", async () => {
  const near = await world.hostPeer("proxy", PORT + 3);
  const env = { http_proxy: `http://127.0.0.1:${PORT + 3}`, no_proxy: "localhost" };
  const flags = ["run", "--network", "--network-host-proxy", "--mem-mib", "256", "debian:12", "--"];
  const asked =
    'echo "$http_proxy $no_proxy"; a=${http_proxy#http://}; exec 3<>/dev/tcp/${a/:/\\/}; printf hello >&3; cat <&3';
  const { status, stdout, stderr } = await scratch.pyro([...flags, "bash", "-c", asked], { env });
  assert.equal(status, 0, stderr);
  assert.match(stdout, new RegExp(`^http://198\\.1[89]\\.\\d+\\.\\d+:${PORT + 3} localhost\nproxy got hello$`));
  assert.deepEqual(near.take(), ["tcp 127.0.0.1"]);
  const without = await scratch.pyro(["run", "--network", "debian:12", "--", "sh", "-c", 'echo "[$http_proxy]"'], {
    env,
  });
  assert.equal(without.stdout, "[]\n");
});

test(`${MANY} VMs with a network at once`, async () => {
  far.take();
  const names = Array.from({ length: MANY }, (_, index) => `vm ${index}`);
  const script = `exec 3<>/dev/tcp/${world.open4}/${PORT}; printf '%s' "$0" >&3; cat <&3`;
  const flags = ["--network", "--mem-mib", "256", "--timeout-seconds", "240"];
  const ended = await Promise.all(
    names.map((name) => scratch.pyro(["run", ...flags, "debian:12", "--", "bash", "-c", script, name])),
  );
  assert.deepEqual(
    ended.map(({ status, stdout }) => ({ status, stdout })),
    names.map((name) => ({ status: 0, stdout: `far got ${name}` })),
  );
  assert.equal(far.take().length, MANY);
});
