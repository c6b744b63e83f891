import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { after, before, test } from "node:test";

import type { Machine } from "../../src/backend/backend.js";
import { output, SnapshotScratch } from "../snapshots/snapshot-scratch.js";

let scratch: SnapshotScratch;
before(async () => {
  scratch = await new SnapshotScratch().open();
});
after(() => scratch[Symbol.asyncDispose]());

const ADDRESSES =
  "cat /sys/class/net/e*/address; ip -4 -o addr show dev $(ls /sys/class/net | grep ^e) | awk '{print $4}'";

/** Asks a server of the host through the VM's own gateway. */
function ask(machine: Machine, port: number): Promise<string> {
  const gateway = machine.network!.guest.gateway4;
  return output(
    machine,
    `python3 -c 'import socket; print(socket.create_connection(("${gateway}", ${port}), 20).recv(9).decode())'`,
  );
}

/** Holds a connection to the host and one on loopback, and reports how each ends. */
const HOLD = (gateway: string, port: number) => `cat >/tmp/hold.py <<END
import socket, threading
listener = socket.create_server(("127.0.0.1", 4000))
local = socket.create_connection(("127.0.0.1", 4000))
far = socket.create_connection(("${gateway}", ${port}))
print(far.recv(5).decode(), flush=True)
open("/tmp/held", "w").close()
try:
    print("far:", far.recv(100), flush=True)
except OSError as error:
    print("far:", error.strerror, flush=True)
listener.accept()[0].sendall(b"alive")
print("local:", local.recv(5).decode(), flush=True)
END
python3 /tmp/hold.py >/tmp/said 2>&1 & until [ -e /tmp/held ]; do sleep 0.1; done`;

test("the connections of a forked VM: end in the fork, except those on loopback, and stay open in the parent", async () => {
  const peers: Socket[] = [];
  const server = createServer((socket) => void peers.push(socket.on("error", () => {}))).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.on("connection", (socket) => socket.write("hello"));
  try {
    const request = { allow: [`127.0.0.1:${port}`], deny: [], allowHosts: [], hostEnv: {}, hostCaFiles: null };
    const parent = await scratch.startMachine({ vcpuCount: 1, memMib: 256 }, request);
    await output(parent, HOLD(parent.network!.guest.gateway4, port));
    const fork = await scratch.from(await scratch.snapshot(parent));
    const said = "until grep -q local: /tmp/said; do sleep 0.1; done; cat /tmp/said";
    assert.equal(await output(fork, said), "hello\nfar: Software caused connection abort\nlocal: alive");
    assert.equal(await output(parent, "cat /tmp/said"), "hello");
    peers[0]!.end("still here");
    assert.equal(await output(parent, said), "hello\nfar: b'still here'\nlocal: alive");
    for (const machine of [parent, fork]) await scratch.destroy(machine);
  } finally {
    for (const socket of peers) socket.destroy();
    server.close();
  }
});

test("a fork of a VM with a network: new addresses, and the same policy", async () => {
  const server = createServer((socket) => socket.end("hello")).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    const request = { allow: [`127.0.0.1:${port}`], deny: [], allowHosts: [], hostEnv: {}, hostCaFiles: null };
    const parent = await scratch.startMachine({ vcpuCount: 1, memMib: 256 }, request);
    assert.equal(await ask(parent, port), "hello");
    const snapshot = await scratch.snapshot(parent);
    assert.deepEqual(snapshot.record.network, request);
    const fork = await scratch.from(snapshot);
    assert.deepEqual(fork.network?.request.allow, request.allow);
    assert.equal(await ask(fork, port), "hello");
    assert.equal(await ask(parent, port), "hello");
    const [ofParent, ofFork] = [await output(parent, ADDRESSES), await output(fork, ADDRESSES)];
    for (const [machine, text] of [
      [parent, ofParent],
      [fork, ofFork],
    ] as const) {
      const { mac, address4, prefix4 } = machine.network!.guest;
      assert.equal(text, `${mac}\n${address4}/${prefix4}`);
    }
    assert.notEqual(ofParent, ofFork);
    // A fork of the fork, too.
    const second = await scratch.from(await scratch.snapshot(fork));
    assert.equal(await ask(second, port), "hello");
    for (const machine of [parent, fork, second]) await scratch.destroy(machine);
  } finally {
    server.close();
  }
});
