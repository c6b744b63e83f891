import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";

import { until } from "../client/scratch.js";
import type { TaskScratch } from "../faults/task-scratch.js";
import { costOf } from "./daemon-cost.js";

const PORT = 7000;
const ROUNDS = 8;
/** Fewer than a task may have at once. */
const AT_ONCE = 250;
const FORGOTTEN = 100;
/** A connection that both ends have left without a word is found by the kernel after about two minutes. */
const FORGOTTEN_SECONDS = 300;

/** A server that does with a connection what its first byte says: flood, half-close, abandon or reset it. */
const SERVER = `
import asyncio, socket, struct
kept = []
async def serve(reader, writer):
    try:
        way = await reader.readexactly(1)
        if way == b"f":
            while True:
                writer.write(bytes(65536)); await writer.drain()
        if way == b"h":
            writer.write(b"half"); writer.write_eof(); await reader.read()
        if way == b"a":
            kept.append((reader, writer)); return
        if way == b"r":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError: pass
    writer.close()
async def main():
    async with await asyncio.start_server(serve, "127.0.0.1", ${PORT}, backlog=512) as server:
        print("ready", flush=True)
        await server.serve_forever()
asyncio.run(main())
`;

/** The ways in which a client leaves a connection, by the byte that it sends first. */
const ways: readonly (readonly [string, (socket: Socket) => Promise<void>])[] = [
  ["f", async (socket) => void (await once(socket, "data"), socket.destroy())],
  ["f", async (socket) => void (await once(socket.pause(), "readable"), socket.resetAndDestroy())],
  ["h", async (socket) => void (await once(socket.resume(), "end"), socket.end())],
  ["a", async (socket) => void socket.resetAndDestroy()],
  ["r", async (socket) => void (await once(socket.resume(), "close"))],
];

/** 2,000 connections that a guest and its clients leave in every way cost bounded memory and no descriptor. */
export function testConnections(open: () => { readonly scratch: TaskScratch; readonly task: string }): void {
  test("2,000 connections that flood, half-close, are reset and abandoned leave no descriptor", async (t) => {
    const { scratch, task } = open();
    const { client } = scratch;
    await client.call("task.file.write", { task_id: task, path: "flood.py", content: SERVER });
    const service = { task_id: task, name: "flood", command: "ulimit -n 4096; exec python3 flood.py" };
    const { ports } = await client.call("task.service.start", {
      ...{ ...service, ready: "log:ready", publish: [String(PORT)], ready_timeout_seconds: 120 },
    });
    const hostPort = ports[0]!.host_port;
    const daemon = await scratch.daemonPid();
    const agentDescriptors = async () => Number((await scratch.exec(task, "ls /proc/1/fd | wc -l")).stdout);
    const [before, agentBefore] = [costOf(daemon), await agentDescriptors()];

    for (let round = 0; round < ROUNDS; round += 1) {
      const left = Array.from({ length: AT_ONCE }, (_, index) => leave(hostPort, ...ways[index % ways.length]!));
      await Promise.all(left);
      await until("the daemon has closed its ends", () => costOf(daemon).descriptors <= before.descriptors + 10, 300);
    }
    await until("no descriptor is left", () => costOf(daemon).descriptors <= before.descriptors);
    await until("the agent has none left", async () => (await agentDescriptors()) <= agentBefore);
    const after = costOf(daemon);
    t.diagnostic(
      `daemon: ${before.residentMib} MiB before, ${after.residentMib} MiB after, ${after.peakMib} MiB at most`,
    );
    assert.ok(after.peakMib < 200, `${after.peakMib} MiB`);

    // The client is gone after its half-close, and the guest never closes its own end.
    const quiet = (socket: Socket) => new Promise<void>((resolve) => socket.end(() => resolve(void socket.destroy())));
    await Promise.all(Array.from({ length: FORGOTTEN }, () => leave(hostPort, "a", quiet)));
    const started = performance.now();
    const areGone = () => costOf(daemon).descriptors <= before.descriptors;
    await until("the forgotten connections are closed", areGone, FORGOTTEN_SECONDS);
    t.diagnostic(
      `${FORGOTTEN} forgotten connections: closed after ${Math.round((performance.now() - started) / 1000)} s`,
    );
    await until("in the agent too", async () => (await agentDescriptors()) <= agentBefore);
    await client.call("task.service.stop", { task_id: task, name: "flood" });
  });
}

/** Opens a connection, sends a byte, and leaves the connection in one way. */
async function leave(port: number, byte: string, how: (socket: Socket) => Promise<void>): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }).on("error", () => {});
  const closed = once(socket, "close").catch(() => {});
  await Promise.race([once(socket, "connect"), closed]);
  const sent = new Promise<void>((resolve) => socket.write(byte, () => resolve()));
  await Promise.race([sent.then(() => how(socket)).catch(() => {}), closed]);
}
