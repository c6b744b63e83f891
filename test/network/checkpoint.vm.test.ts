import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";

import { checkpointed, isContinued } from "../snapshots/checkpoint-scratch.js";
import { output, SnapshotScratch } from "../snapshots/snapshot-scratch.js";

const SMALL = { vcpuCount: 1, memMib: 256 };
/** Switches a function of the network interface off and on, as `ethtool -K eth0 rx-gro-hw off` does. QEMU passes this to its tap. */
const SWITCH = `python3 - <<'END'
import array, fcntl, socket, struct
s = socket.socket()
def ethtool(data):
    held = array.array("B", data)
    fcntl.ioctl(s, 0x8946, struct.pack("16sQ", b"eth0", held.buffer_info()[0]))
    return held.tobytes()
count = struct.unpack_from("I", ethtool(struct.pack("IIQI", 0x37, 0, 1 << 4, 0)), 16)[0]
names = ethtool(struct.pack("III", 0x1B, 4, count) + bytes(32 * count))[12:]
bit = [names[i * 32:].split(bytes(1))[0] for i in range(count)].index(b"rx-gro-hw")
blocks = (count + 31) // 32
for wanted in 0, 1:
    words = [0] * (2 * blocks)
    words[bit // 32 * 2] = 1 << bit % 32
    words[bit // 32 * 2 + 1] = wanted << bit % 32
    ethtool(struct.pack("II", 0x3B, blocks) + struct.pack("%dI" % (2 * blocks), *words))
END`;

test("a VM with a network that continues a checkpoint: reaches what it may, and can change its interface", async () => {
  const server = createServer((socket) => socket.on("error", () => {}).end("hello")).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const request = { allow: [`127.0.0.1:${port}`], deny: [], allowHosts: [], hostEnv: {}, hostCaFiles: null };
    await using scratch = await new SnapshotScratch({ ownTemplates: true }).open();
    await scratch.startMachine(SMALL, request);
    await checkpointed(scratch);
    const machine = await scratch.startMachine(SMALL, request);
    assert.equal(isContinued(scratch, machine), true);
    assert.equal(await output(machine, `bash -c "cat </dev/tcp/${machine.network!.guest.gateway4}/${port}"`), "hello");
    assert.equal(await output(machine, `${SWITCH}\necho alive`), "alive");
  } finally {
    server.close();
  }
});
