import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { test } from "node:test";

import type { ResultOf } from "../../src/contract/operations.js";
import { both, python, reach, tcp, udp } from "./guest-script.js";
import { openStage } from "./stage.js";

/** Addresses of this host that have nothing to do with the test. */
function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.filter(({ family, internal }) => family === "IPv4" && !internal).map(({ address }) => address);
}

const PORT = 7801;
const OTHER_PORT = 7802;

const { world, scratch, far, near } = await openStage(PORT);

const answered = { answer: "far got hello" };
const refused = { error: "ECONNREFUSED" };
const prohibited = { error: "EHOSTUNREACH" };
const prohibited6 = { error: "EACCES" };

test("without --network there is no interface but the loopback, and nothing is reached", async () => {
  const task = await scratch.create();
  assert.equal((await scratch.exec(task, "ls /sys/class/net")).stdout, "lo\n");
  const outcomes = await reach(scratch, task, [tcp(world.open4, PORT), udp(world.open4, PORT), tcp(world.open6, PORT)]);
  assert.deepEqual(outcomes, [{ error: "ENETUNREACH" }, { error: "ENETUNREACH" }, { error: "ENETUNREACH" }]);
  assert.deepEqual(far.take(), []);
  const status = await scratch.status(task);
  assert.deepEqual([status.network_enabled, status.network], [false, null]);
  await scratch.pyro(["task", "delete", task]);
});

test("with --network public addresses are reached over TCP and UDP, IPv4 and IPv6", async () => {
  const task = await scratch.create({ network: true });
  const outcomes = await reach(scratch, task, [...both(world.open4, PORT), ...both(world.open6, PORT)]);
  assert.deepEqual(outcomes, [answered, answered, answered, answered]);
  assert.deepEqual(
    far.take().toSorted(),
    [world.host4, world.host6].flatMap((from) => [`tcp ${from}`, `udp ${from} hello`]).toSorted(),
  );
  // A port without a listener looks like one.
  assert.deepEqual(await reach(scratch, task, [tcp(world.open4, 9), udp(world.open4, 9)]), [refused, refused]);
  await scratch.pyro(["task", "delete", task]);
});

test("the host, private ranges and metadata are closed, in every spelling, and each refusal is counted", async () => {
  const task = await scratch.create({ network: true });
  const hex = (address: string) => {
    const [a, b, c, d] = address.split(".").map(Number);
    return `${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}`;
  };
  const closed4 = [world.host4, ...world.closed4, ...ownAddresses()];
  const { network } = await scratch.status(task);
  const gateway4 = network!.routes[0]!.gateway;
  const gateway6 = network!.routes[1]!.gateway;
  const plain = [...closed4, gateway4].flatMap((address) => both(address, PORT));
  const spelled = [world.host6, world.private6, gateway6, "fe80::1%eth0", "fec0::1", "ff02::1%eth0"];
  const embedded = [...closed4, "127.0.0.1"].flatMap((address) => [
    `64:ff9b::${hex(address)}`,
    `64:ff9b:1::${hex(address)}`,
    `2002:${hex(address)}::1`,
    `2001:0:${hex(address)}::1`,
    `2a10:db8:5:6:0:5efe:${hex(address)}`,
    `::${hex(address)}`,
  ]);
  const mapped = closed4.map((address) => `::ffff:${hex(address)}`);
  const targets = [...plain, ...[...spelled, ...embedded, ...mapped].flatMap((address) => both(address, PORT))];
  const outcomes = await reach(scratch, task, targets);
  assert.deepEqual(
    outcomes.filter((outcome) => "answer" in outcome),
    [],
  );
  assert.deepEqual([far.take(), near.take()], [[], []]);
  assert.deepEqual(outcomes.slice(0, 2), [refused, prohibited]);
  const host6 = targets.findIndex(({ address }) => address === world.host6);
  assert.deepEqual(outcomes.slice(host6, host6 + 2), [refused, prohibited6]);

  const after = (await scratch.status(task)).network!;
  assert.equal(after.state, "up");
  assert.ok(after.counters!.refused >= 2 * (closed4.length + 1), JSON.stringify(after.counters));
  assert.ok(after.last_refused.length > 0);
  await reach(scratch, task, [tcp(world.host4, PORT), tcp(world.private4, PORT)]);
  const [latest, before] = (await scratch.status(task)).network!.last_refused;
  assert.deepEqual(
    new Set([latest, before].map((entry) => `${entry!.protocol} ${entry!.address} ${entry!.port} ${entry!.reason}`)),
    new Set([`tcp ${world.host4} ${PORT} host_address`, `tcp ${world.private4} ${PORT} closed_range`]),
  );
  await scratch.pyro(["task", "delete", task]);
});

test("--network-allow opens one range, or one port of it, and the host's loopback through the gateway", async () => {
  const deaf = await world.peer("other", OTHER_PORT);
  const task = await scratch.create({
    network: true,
    network_allow: [`${world.private4}/32:${PORT}`, `[${world.private6}]:${PORT}`, `127.0.0.1:${PORT}`],
  });
  const { network } = await scratch.status(task);
  const gateway = network!.routes[0]!.gateway;
  const outcomes = await reach(scratch, task, [
    ...both(world.private4, PORT),
    ...both(world.private6, PORT),
    ...both(gateway, PORT),
    ...[tcp(world.private4, OTHER_PORT), tcp(world.host4, PORT), tcp(gateway, OTHER_PORT)],
  ]);
  const nearAnswered = { answer: "near got hello" };
  assert.deepEqual(outcomes, [
    ...[answered, answered, answered, answered],
    ...[nearAnswered, nearAnswered],
    ...[refused, refused, refused],
  ]);
  assert.deepEqual(near.take().toSorted(), ["tcp 127.0.0.1", "udp 127.0.0.1 hello"]);
  assert.deepEqual(deaf.take(), []);
  far.take();
  assert.deepEqual(network!.policy.forwards, [{ gateway_port: PORT, to: `127.0.0.1:${PORT}` }]);
  await scratch.pyro(["task", "delete", task]);
});

test("network options are checked before anything starts", async () => {
  const failure = await scratch.failure("run", "debian:12", "--network-allow", "10.0.0.0/8", "--", "true");
  assert.deepEqual([failure.status, failure.code], [2, "INVALID_ARGUMENT"]);
  for (const range of [
    "10.0.0.0/33",
    "example.com",
    "10.0.0.1:0",
    "10.0.0.1:65536",
    "10.0.0.1:http",
    "[10.0.0.1",
    ":80",
  ]) {
    const { status, code } = await scratch.failure(
      "run",
      "debian:12",
      "--network",
      "--network-allow",
      range,
      "--",
      "true",
    );
    assert.deepEqual([status, code], [2, "INVALID_ARGUMENT"], range);
  }
});

test("large transfers and large datagrams arrive whole, both ways", async () => {
  const task = await scratch.create({ network: true });
  const echoed = await python(
    scratch,
    task,
    `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(8)
s.connect((sys.argv[1], ${PORT}))
for size in (1, 1472, 1473, 9000, 60000):
    s.send(b"x" * size)
    print(len(s.recv(65535)) - len("far got "))
`,
    world.open4,
  );
  assert.equal(echoed, "1\n1472\n1473\n9000\n60000\n");
  far.take();
  await scratch.pyro(["task", "delete", task]);
});

test("vm_network_info returns the network of a VM made step by step", async () => {
  const { client } = scratch;
  const { vm_id, network_enabled } = await client.call("vm.create", {
    environment: "debian:12",
    mem_mib: 256,
    network: true,
    network_allow: ["10.0.0.0/8:443"],
  });
  assert.equal(network_enabled, true);
  assert.equal((await client.call("vm.network_info", { vm_id })).network, null);
  await client.call("vm.start", { vm_id });
  const info: ResultOf<"vm.network_info"> = await client.call("vm.network_info", { vm_id });
  const { state, addresses, policy, counters, last_refused, mac } = info.network!;
  assert.deepEqual([state, policy.allow, last_refused], ["up", ["10.0.0.0/8:443"], []]);
  assert.equal(counters!.refused, 0);
  const { stdout } = await client.call("vm.exec", {
    vm_id,
    command: "cat /sys/class/net/eth0/address; ip -o addr show dev eth0 scope global | awk '{print $4}'",
  });
  assert.deepEqual(stdout.trim().split("\n"), [mac, ...addresses]);
});
