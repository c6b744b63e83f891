import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { Channel } from "../../../src/guest/channel.js";
import { connectUnix } from "../../../src/host/socket.js";
import { AgentProcess } from "../agent-process.js";

const ROUNDS = 15;
const PINGS = 40;
/** Two guests that do nothing but send may slow a third one's calls by this. Without turns and an allowance it is eight to ten. */
const MOST_SLOWER = 5;

async function timeOfPings(channel: Channel): Promise<number> {
  const started = performance.now();
  for (let count = 0; count < PINGS; count += 1) await channel.request("ping");
  return performance.now() - started;
}

class Flood implements AsyncDisposable {
  readonly #child = spawn(process.execPath, [fileURLToPath(new URL("flood-process.js", import.meta.url))], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  #path = "";
  #channel: Channel | null = null;

  static async start(): Promise<Flood> {
    const flood = new Flood();
    const [path] = (await once(flood.#child.stdout, "data")) as [Buffer];
    flood.#path = path.toString().trim();
    return flood;
  }

  async open(): Promise<void> {
    const channel = await Channel.open(await connectUnix(this.#path), { deadlineMs: 10_000 });
    await channel.request("ping");
    channel.request("flood", {}, { timeoutMs: null }).catch(() => {});
    this.#channel = channel;
  }

  close(): void {
    this.#channel?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    this.#child.kill("SIGTERM");
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "close");
  }
}

test("guests that flood the daemon: another guest's calls take a few times as long at most", async () => {
  await using honest = new AgentProcess();
  await using first = await Flood.start();
  await using second = await Flood.start();
  const channel = await honest.connect();
  const [quiet, flooded]: [number[], number[]] = [[], []];
  // In turn, and the best of each: the machine may be busy with other things now and then.
  for (let round = 0; round < ROUNDS; round += 1) {
    quiet.push(await timeOfPings(channel));
    await Promise.all([first.open(), second.open()]);
    flooded.push(await timeOfPings(channel));
    first.close();
    second.close();
  }
  const slower = Math.min(...flooded) / Math.min(...quiet);
  assert.ok(slower < MOST_SLOWER, `${slower.toFixed(1)} times as long`);
  channel.close();
});
