import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { median, quantile, timeMs } from "../src/bench/numbers.js";
import { column, type Cell, type Table } from "../src/bench/table.js";
import { Channel } from "../src/guest/channel.js";
import { runForExit } from "../src/guest/run-for-exit.js";
import { connectUnix } from "../src/host/socket.js";
import { AgentProcess } from "../test/guest/agent-process.js";
import { rounds } from "./rounds.js";

const FLOODS = [2, 6];
const ROUNDS = rounds(10);
const COMMANDS = 20;
const PINGS = 150;
/** How long until a flood has used up its saved allowance, and a quiet guest has saved again. */
const SETTLE_MS = 150;

/** The cost of flooding guests for another guest: its calls and commands with and without them, in turn. */
export async function benchFairness(): Promise<Table[]> {
  await using honest = new AgentProcess();
  const channel = await honest.connect();
  const rows: Cell[][] = [];
  for (const count of FLOODS) {
    const floods = await Promise.all(Array.from({ length: count }, () => Flood.start()));
    const quiet: Sample[] = [];
    const flooded: Sample[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      quiet.push(await measure(channel));
      await Promise.all(floods.map((flood) => flood.open()));
      flooded.push(await measure(channel));
      for (const flood of floods) flood.close();
    }
    await Promise.all(floods.map((flood) => flood.end()));
    for (const what of ["ping", "exec"] as const) {
      const [before, after] = [quiet, flooded].map((samples) =>
        quantile(
          samples.map((sample) => sample[what]),
          0.25,
        ),
      );
      rows.push([what, count, before!, after!, after! / before!]);
    }
  }
  channel.close();
  const columns = [
    column.text("another guest's"),
    column.count("floods"),
    column.ms("without"),
    column.ms("with"),
    column.ratio("ratio"),
  ];
  return [{ title: "Guests that flood the daemon", columns, rows }];
}

interface Sample {
  readonly ping: number;
  readonly exec: number;
}

async function measure(channel: Channel): Promise<Sample> {
  await sleep(SETTLE_MS);
  const ping = await timesOf(PINGS, () => channel.request("ping"));
  const exec = await timesOf(COMMANDS, () => runForExit(channel, "true"));
  return { ping: median(ping), exec: median(exec) };
}

async function timesOf(count: number, work: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  while (times.length < count) times.push(await timeMs(work));
  return times;
}

/** A guest in its own process that sends while the host reads. */
class Flood {
  readonly #child: ChildProcess;
  readonly #path: string;
  #channel: Channel | null = null;

  private constructor(child: ChildProcess, path: string) {
    this.#child = child;
    this.#path = path;
  }

  static async start(): Promise<Flood> {
    const program = fileURLToPath(new URL("../test/guest/lies/flood-process.js", import.meta.url));
    const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
    const [path] = (await once(child.stdout, "data")) as [Buffer];
    return new Flood(child, path.toString().trim());
  }

  async open(): Promise<void> {
    this.#channel = await Channel.open(await connectUnix(this.#path), { deadlineMs: 10_000 });
    await this.#channel.request("ping");
    this.#channel.request("flood", {}, { timeoutMs: null }).catch(() => {});
  }

  close(): void {
    this.#channel?.close();
  }

  async end(): Promise<void> {
    this.#child.kill("SIGTERM");
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "close");
  }
}
