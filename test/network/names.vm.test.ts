import assert from "node:assert/strict";
import { before, test } from "node:test";

import { both, python, reach, tcp } from "./guest-script.js";
import { startDaemonWithResolver } from "./resolv.js";
import { openStage } from "./stage.js";
import type { Peer } from "./world.js";

const PORT = 7806;
const DNS_PORT = 53;
const RESOLVER = `127.84.${process.pid % 256}.53`;

const { world, scratch, far } = await openStage(PORT);
let resolver: Peer;
let task: string;
before(async () => {
  resolver = await world.resolver(RESOLVER, world.open4);
  await startDaemonWithResolver(scratch, RESOLVER);
  task = await scratch.create({ network: true, network_allow_host: ["good.test", "*.below.test"] });
});

/** Resolves one name, connects to its address, and names a host there: over HTTP, over TLS, or in neither. */
const SAY = `
import json, socket, ssl, sys
port = int(sys.argv[1])

def hello(name):
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        ssl.create_default_context().wrap_bio(into, out, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        return out.read()

def say(resolved, kind, name):
    try:
        address = socket.getaddrinfo(resolved, port, socket.AF_INET, socket.SOCK_STREAM)[0][4]
    except socket.gaierror as error:
        return "no address" if error.errno == socket.EAI_NONAME else str(error)
    said = {
        "http": ("GET / HTTP/1.1\\r\\nHost: " + name + "\\r\\n\\r\\n").encode(),
        "tls": hello(name) if kind == "tls" else b"",
        "other": b"hello " + name.encode(),
    }[kind]
    with socket.create_connection(address, 8) as s:
        try:
            s.sendall(said)
            return "answered" if s.recv(8) == b"far got " else "ended"
        except ConnectionResetError:
            return "reset"
print(json.dumps([say(*words) for words in json.loads(sys.argv[2])]))
`;

async function say(...lines: (readonly [resolved: string, kind: "http" | "tls" | "other", name: string])[]) {
  return JSON.parse(await python(scratch, task, SAY, String(PORT), JSON.stringify(lines))) as string[];
}

test("an allowed name is reached over HTTP and TLS; nothing else on the same address is reached", async () => {
  const outcomes = await say(
    ["good.test", "http", "good.test"],
    ["good.test", "tls", "good.test"],
    ["www.below.test", "tls", "www.below.test"],
    ["good.test", "http", "evil.test"],
    ["good.test", "tls", "evil.test"],
    ["good.test", "other", "good.test"],
    ["evil.test", "http", "good.test"],
    ["below.test", "tls", "below.test"],
  );
  const held = ["reset", "reset", "reset", "no address", "no address"];
  assert.deepEqual(outcomes, ["answered", "answered", "answered", ...held]);
  const asked = resolver.take();
  assert.ok(asked.includes("asked good.test") && asked.includes("asked www.below.test"));
  assert.ok(!asked.some((line) => /evil|asked below/.test(line)), asked.join());
  const { policy, last_refused } = (await scratch.status(task)).network!;
  assert.deepEqual([policy.default, policy.allow_hosts], ["names", ["good.test", "*.below.test"]]);
  const told = new Set(last_refused.map(({ protocol, reason, name }) => `${protocol} ${reason} ${name}`));
  for (const line of ["tcp name evil.test", "dns name evil.test", "dns name below.test", "tcp name null"]) {
    assert.ok(told.has(line), `${line} is not in ${[...told].join(", ")}`);
  }
  far.take();
});

test("addresses without an allowed name, datagrams and other resolvers are refused", async () => {
  const other = await world.peer("other resolver", DNS_PORT);
  assert.deepEqual(await say(["good.test", "http", "good.test"]), ["answered"]);
  far.take();
  const outside = world.other4;
  const targets = [...both(outside, PORT), ...both(world.open4, DNS_PORT).slice(1), ...both(outside, DNS_PORT)];
  const closed = [tcp(world.host4, PORT), tcp(world.private4, PORT), tcp(world.open6, PORT)];
  const resolvers = (await scratch.status(task)).network!.resolvers.map((address) => tcp(address, DNS_PORT));
  const outcomes = await reach(scratch, task, [...targets, ...closed, ...resolvers]);
  assert.deepEqual(
    outcomes.filter((outcome) => "answer" in outcome),
    [],
  );
  assert.deepEqual([far.take(), other.take()], [[], []]);
  // Only questions for allowed names reach the resolver: no other packet leaves that way either.
  resolver.take();
  const tunnel = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for payload in (b"secret" * 20, b"\\x12\\x34\\x01\\0\\0\\x01\\0\\0\\0\\0\\0\\0\\x06secret\\x04evil\\x04test\\0\\0\\x10\\0\\x01", b""):
    s.sendto(payload, (sys.argv[1], 53))
`;
  await python(scratch, task, tunnel, (await scratch.status(task)).network!.resolvers[0]!);
  assert.deepEqual(await say(["good.test", "http", "good.test"]), ["answered"]);
  assert.ok(resolver.take().every((line) => line === "asked good.test"));
});

/** Resolves each name in one family, connects to its first address, and names the host there. */
const LEAD = `
import errno, json, socket, sys
port, outcomes = int(sys.argv[1]), []
for name, is_v6 in json.loads(sys.argv[2]):
    family, kind, _, _, address = socket.getaddrinfo(name, port, socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_STREAM)[0]
    with socket.socket(family, kind) as s:
        s.settimeout(8)
        try:
            s.connect(address)
            s.sendall(("GET / HTTP/1.1\\r\\nHost: " + name + "\\r\\n\\r\\n").encode())
            outcome = "answered" if s.recv(8) == b"far got " else "ended"
        except OSError as error:
            outcome = errno.errorcode.get(error.errno, "silence")
    outcomes.append([address[0], outcome])
print(json.dumps(outcomes))
`;

test("an allowed name that leads to a closed address, later, by an alias or in another spelling, reaches nothing", async () => {
  const inside = world.private4;
  far.take();
  const names = [
    "rebound.below.test",
    "rebound.below.test",
    "alias.below.test",
    "mapped.below.test",
    "nat64.below.test",
  ];
  const asked = names.map((name) => [name, /^(?:mapped|nat64)/.test(name)]);
  const outcomes = JSON.parse(await python(scratch, task, LEAD, String(PORT), JSON.stringify(asked))) as string[][];
  const hexadecimal = Buffer.from(inside.split(".").map(Number))
    .toString("hex")
    .replace(/^(.{4})/, "$1:")
    .replaceAll(/\b0+/g, "");
  const addresses = [world.open4, inside, inside, `::ffff:${inside}`, `64:ff9b::${hexadecimal}`];
  assert.deepEqual(
    outcomes.map(([address]) => address),
    addresses,
  );
  assert.deepEqual(
    outcomes.map(([, outcome]) => outcome === "answered"),
    [true, false, false, false, false],
    JSON.stringify(outcomes),
  );
  assert.equal(far.take().length, 1);
  const { last_refused } = (await scratch.status(task)).network!;
  assert.ok(
    last_refused.some(({ address, reason }) => address === inside && reason === "closed_range"),
    JSON.stringify(last_refused),
  );
});

test("a DNS answer too long for UDP arrives over TCP, and that connection carries nothing else", async () => {
  resolver.take();
  const outcomes = await say(["many.below.test", "http", "many.below.test"], ["many.evil.test", "http", "good.test"]);
  assert.deepEqual(outcomes, ["answered", "no address"]);
  const asked = resolver.take();
  assert.ok(asked.length > 0 && asked.every((line) => line === "asked many.below.test"), asked.join());
  far.take();
  // Only questions for allowed names reach the resolver over TCP, too.
  const tunnel = `
import socket, struct, sys
for payload in (b"secret" * 20, b"\\x12\\x34\\x01\\0\\0\\x01\\0\\0\\0\\0\\0\\0\\x06secret\\x04evil\\x04test\\0\\0\\x01\\0\\x01"):
    with socket.create_connection((sys.argv[1], 53), 8) as s:
        s.sendall(struct.pack("!H", len(payload)) + payload)
        print(len(s.recv(1000)))
`;
  const answers = await python(scratch, task, tunnel, (await scratch.status(task)).network!.resolvers[0]!);
  assert.equal(answers, "0\n36\n");
  assert.deepEqual(resolver.take(), []);
});

test("an invalid name is refused before anything starts", async () => {
  for (const name of ["*", "*.", "http://a", "a/b", "a b", "a..b", "*.*.a", ".a"]) {
    const words = ["run", "--network", "--network-allow-host", name, "debian:12", "--", "true"];
    const { status, code } = await scratch.failure(...words);
    assert.deepEqual([status, code], [2, "INVALID_ARGUMENT"], name);
  }
});
