import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { until } from "../client/scratch.js";
import { python, reach, tcp, udp } from "./guest-script.js";
import { openStage } from "./stage.js";

const PORT = 7803;

const { world, scratch, far, near } = await openStage(PORT);

/** Whole frames, written to the wire by root of the guest. The last one is honest, and arrives. */
const RAW = `
import json, socket, struct, sys
given = json.loads(sys.argv[1])
port, own4, own6 = given["port"], given["own4"], given["own6"]
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0))
own_mac = wire.getsockname()[4]
gateway_mac = bytes.fromhex("02707972" + "6f01")

def checksum(data):
    data += b"\\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16: total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff

def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)

def ip(source, target, protocol, segment, at):
    s, t = packed(source), packed(target)
    pseudo = s + t + struct.pack("!II", len(segment), protocol)
    segment = segment[:at] + struct.pack("!H", checksum(pseudo + segment)) + segment[at + 2:]
    if len(s) == 16:
        return 0x86dd, struct.pack("!IHBB", 6 << 28, len(segment), protocol, 64) + s + t + segment
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 1, 0, 64, protocol, 0) + s + t
    return 0x0800, head[:10] + struct.pack("!H", checksum(head)) + head[12:] + segment

def syn(source, target):
    return ip(source, target, 6, struct.pack("!HHIIBBHHH", 40000, port, 7, 0, 0x50, 2, 60000, 0, 0), 16)

def datagram(source, target, text):
    return ip(source, target, 17, struct.pack("!HHHH", 40001, port, 8 + len(text), 0) + text, 6)

def send(frame, to=gateway_mac, tag=b""):
    kind, packet = frame
    wire.send(to + own_mac + tag + struct.pack("!H", kind) + packet)

for target in given["closed"]:
    own = own6 if ":" in target else own4
    for to in (gateway_mac, b"\\xff" * 6, b"\\0" * 6):
        send(syn(own, target), to)
        send(datagram(own, target, b"closed"), to)
for target in given["open"]:
    for forged in given["forged6" if ":" in target else "forged4"]:
        send(syn(forged, target))
        send(datagram(forged, target, b"forged"))
    own = own6 if ":" in target else own4
    send(datagram(own, target, b"tagged"), tag=struct.pack("!HH", 0x8100, 1))
    kind, packet = datagram(own, target, b"half of a packet")
    send((kind, packet[:30]))
for length in (0, 1, 13, 14, 20, 60, 1500, 60000):
    for kind in (0x0800, 0x86dd, 0x0806, 0x8100, 0x88cc):
        wire.send(gateway_mac + own_mac + struct.pack("!H", kind) + b"\\x45" * length)
        wire.send(gateway_mac + own_mac + struct.pack("!H", kind) + b"\\x60" * length)
for target in given["open"]:
    send(datagram(own6 if ":" in target else own4, target, b"honest"))
`;

test("raw frames with closed targets, forged senders, tags and rubbish are dropped", async () => {
  const task = await scratch.create({ network: true });
  const { network } = await scratch.status(task);
  const [own4, own6] = network!.addresses.map((address) => address.split("/")[0]!);
  const [gateway4, gateway6] = network!.routes.map(({ gateway }) => gateway);
  const given = {
    ...{ port: PORT, own4, own6, open: [world.open4, world.open6] },
    closed: [
      ...["127.0.0.1", world.host4, world.private4, world.metadata4, gateway4, "0.0.0.0", "255.255.255.255"],
      ...["::1", world.host6, world.private6, gateway6, `::ffff:${world.host4}`, "::ffff:127.0.0.1", "::127.0.0.1"],
      ...["64:ff9b::127.0.0.1", `64:ff9b::${world.host4}`, "2002:7f00:1::1", "fe80::1", "ff02::1"],
    ],
    forged4: ["127.0.0.1", world.host4, world.open4, gateway4, "198.18.0.9", "0.0.0.0"],
    forged6: ["::1", world.host6, world.open6, gateway6, "fe80::9", `::ffff:${world.host4}`],
  };
  await python(scratch, task, RAW, JSON.stringify(given));
  await until("the honest frames have arrived", () => far.heard.filter((line) => line.includes("honest")).length === 2);
  assert.deepEqual(far.take().toSorted(), [`udp ${world.host6} honest`, `udp ${world.host4} honest`].toSorted());
  assert.deepEqual(near.take(), []);
  // It keeps working for honest connections, and reports the refused ones.
  const after = (await scratch.status(task)).network!;
  assert.deepEqual([after.state, after.last_refused.length], ["up", 8]);
  assert.deepEqual(await reach(scratch, task, [tcp(world.open4, PORT)]), [{ answer: "far got hello" }]);
  far.take();
  await scratch.pyro(["task", "delete", task]);
});

test("a guest that gives its interface other addresses and routes reaches no more", async () => {
  const task = await scratch.create({ network: true });
  const { network } = await scratch.status(task);
  const gateway = network!.routes[0]!.gateway;
  const taken = [
    `ip address add ${world.host4}/32 dev eth0`,
    `ip address add ${world.private4}/24 dev eth0`,
    "ip address add 127.0.0.9/8 dev eth0",
    "sysctl -qw net.ipv4.conf.all.route_localnet=1",
    `ip route add ${world.metadata4} via ${gateway} dev eth0`,
    `ip link set eth0 address 02:00:00:00:00:99`,
  ];
  const { status, stderr } = await scratch.exec(task, taken.join(" && "));
  assert.equal(status, 0, stderr);
  const bound = `
import socket, sys
port, sources, targets = int(sys.argv[1]), sys.argv[2].split(), sys.argv[3].split()
for source in sources:
    for target in targets:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as s:
                s.settimeout(0.3)
                try:
                    s.bind((source, 0))
                    s.connect((target, port))
                    s.send(b"bound")
                    print(source, target, s.recv(100).decode())
                except OSError:
                    pass
`;
  const sources = [world.host4, world.private4, "127.0.0.9"].join(" ");
  const targets = [world.open4, world.metadata4, gateway, world.other4].join(" ");
  assert.equal(await python(scratch, task, bound, String(PORT), sources, targets), "");
  assert.deepEqual([far.take(), near.take()], [[], []]);
  // The guest's kernel must forget requests that it sent from a forged address: they get no answer.
  const back = `ip address del ${world.private4}/24 dev eth0; ip address del ${world.host4}/32 dev eth0; ip neigh flush dev eth0`;
  await scratch.exec(task, back);
  assert.deepEqual(await reach(scratch, task, [tcp(world.open4, PORT), udp(world.open4, PORT)]), [
    { answer: "far got hello" },
    { answer: "far got hello" },
  ]);
  far.take();
  await scratch.pyro(["task", "delete", task]);
});

/** Whether this host waits for an answer from there: it has sent a SYN. */
function isTried(address: string, port: number): boolean {
  const reversed = address
    .split(".")
    .map((part) => Number(part).toString(16).padStart(2, "0"))
    .toReversed();
  const target = `${reversed.join("")}:${port.toString(16)} 02`.toUpperCase();
  return readFileSync("/proc/net/tcp", "utf8").includes(target);
}

test("connections in progress do not reach the host when the host takes their target's address", async () => {
  const task = await scratch.create({ network: true });
  const ask = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(4)
s.bind(("", 40100))
s.connect((sys.argv[1], ${PORT}))
try:
    s.send(b"hello")
    print(s.recv(100).decode())
except OSError as error:
    print(error.strerror)
`;
  assert.equal(await python(scratch, task, ask, world.other4), "far got hello\n");
  world.lose(world.other4);
  const connecting = reach(scratch, task, [tcp(world.other4, PORT)]);
  await until("the connection is tried", () => isTried(world.other4, PORT));
  world.takeOver(world.other4);
  assert.deepEqual(await connecting, [{ error: "ECONNREFUSED" }]);
  assert.equal(await python(scratch, task, ask, world.other4), "No route to host\n");
  assert.ok(!near.take().some((line) => line.startsWith("udp")));
  const [latest] = (await scratch.status(task)).network!.last_refused;
  assert.deepEqual([latest!.address, latest!.reason], [world.other4, "host_address"]);
  far.take();
  await scratch.pyro(["task", "delete", task]);
});

test("VMs do not reach each other", async () => {
  const [one, other] = [await scratch.create({ network: true }), await scratch.create({ network: true })];
  const addresses = (await scratch.status(other)).network!.addresses.map((address) => address.split("/")[0]!);
  const listening = scratch.startExec(other, `echo up; exec timeout 30 nc -l -p ${PORT}`);
  await until("it listens", async () => (await scratch.entries(other))[0]?.stdout === "up\n");
  const outcomes = await reach(
    scratch,
    one,
    addresses.map((address) => tcp(address, PORT)),
  );
  assert.deepEqual(outcomes, [{ error: "ECONNREFUSED" }, { error: "ECONNREFUSED" }]);
  for (const task of [one, other]) await scratch.pyro(["task", "delete", task]);
  listening.kill();
});
