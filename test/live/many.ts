import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";

import { Pyro, type Shell } from "../../src/index.js";
import { until } from "../client/scratch.js";
import type { TaskScratch } from "../faults/task-scratch.js";
import { costOf } from "./daemon-cost.js";

const COUNT = 50;
const FIRST_PORT = 7_100;
const LIMIT_MIB = 200;
const EACH_BYTES = 1_048_576;

/** Sends back what it receives, on 50 ports. */
const SERVER = `
import asyncio
async def serve(reader, writer):
    while data := await reader.read(65536):
        writer.write(data); await writer.drain()
    writer.close()
async def main():
    servers = [await asyncio.start_server(serve, "127.0.0.1", ${FIRST_PORT} + index) for index in range(${COUNT})]
    print("ready", flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))
asyncio.run(main())
`;

/** 50 shells and 50 published ports at once, each of them in use. */
export function testMany(open: () => { readonly scratch: TaskScratch; readonly task: string }): void {
  test("50 shells and 50 published ports at once: the daemon stays below 200 MiB", async (t) => {
    const { scratch, task: taskId } = open();
    const task = await new Pyro({ home: scratch.home }).openTask(taskId);
    await task.writeFile("echo.py", SERVER);
    await task.startService("echo", "exec python3 echo.py", { ready: "log:ready", readyTimeoutSeconds: 120 });
    const daemon = await scratch.daemonPid();
    const before = costOf(daemon);

    const names = Array.from({ length: COUNT }, (_, index) => `s${index}`);
    const shells: Shell[] = [];
    for (const name of names) shells.push(await task.shell({ name, command: "exec sh -i", cwd: "/" }));
    const shown = shells.map(watch);
    const ports = [];
    for (const index of names.keys()) ports.push(await task.publishPort(FIRST_PORT + index));

    for (const [index, shell] of shells.entries()) void shell.write(`echo it is $((${index} + 1000))\r`);
    const echoed = Promise.all(ports.map(({ hostPort }) => echo(hostPort)));
    await until(
      "every shell answers",
      () => shown.every(({ text }, index) => text.includes(`it is ${index + 1000}\r\n`)),
      180,
    );
    assert.deepEqual(
      await echoed,
      ports.map(() => EACH_BYTES),
    );

    const { residentMib, peakMib, descriptors } = costOf(daemon);
    t.diagnostic(
      `daemon: ${before.residentMib} MiB before, ${residentMib} MiB with all, ${peakMib} MiB at most, ${descriptors} descriptors`,
    );
    assert.ok(peakMib < LIMIT_MIB, `${peakMib} MiB`);
    for (const name of names) await task.closeShell(name);
    for (const { port } of ports) await task.closePort(port);
    await task.stopService("echo");
    await until("no descriptor is left", () => costOf(daemon).descriptors <= before.descriptors);
  });
}

/** Collects the output of a shell in `text`. */
function watch(shell: Shell): { text: string } {
  const shown = { text: "" };
  const read = async () => {
    for await (const bytes of shell) shown.text += Buffer.from(bytes).toString();
  };
  read().catch(() => {});
  return shown;
}

/** Sends bytes and counts those that come back. */
async function echo(port: number): Promise<number> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  let count = 0;
  socket.on("data", (bytes) => (count += bytes.length));
  const ended = once(socket, "end");
  socket.end(Buffer.alloc(EACH_BYTES, "e"));
  await ended;
  return count;
}
