import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { median, quantile, timeMs } from "../src/bench/numbers.js";
import { column, type Cell, type Table } from "../src/bench/table.js";
import { closeLogs, openLogs, sinkOf, type Logs } from "../src/core/exec/logs.js";
import { Channel } from "../src/guest/channel.js";
import { Exec } from "../src/guest/exec.js";
import { runForExit } from "../src/guest/run-for-exit.js";
import { connectUnix } from "../src/host/socket.js";
import { AgentProcess } from "../test/guest/agent-process.js";
import { TWO_WAY_HELLO } from "../test/guest/lies/lying-agent.js";
import { rounds } from "./rounds.js";

/** Kinds of floods: how many guests, what each sends, and as output of how many commands. Without a kind: frames without bytes. */
const FLOODS = [
  { what: "windows without bytes", guests: 2, kind: null, commands: 0 },
  { what: "windows without bytes", guests: 6, kind: null, commands: 0 },
  { what: "output byte by byte", guests: 1, kind: "bytes", commands: 1 },
  { what: "output byte by byte", guests: 1, kind: "bytes", commands: 60 },
  { what: "the smallest mail", guests: 1, kind: "mail", commands: 1 },
  { what: "the smallest mail", guests: 1, kind: "mail", commands: 16 },
] as const;
type Kind = (typeof FLOODS)[number];
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
  for (const kind of FLOODS) {
    const floods = await Promise.all(Array.from({ length: kind.guests }, () => Flood.start(kind)));
    const quiet: Sample[] = [];
    const flooded: Sample[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      quiet.push(await measure(channel));
      await Promise.all(floods.map((flood) => flood.open()));
      flooded.push(await measure(channel));
      await Promise.all(floods.map((flood) => flood.close()));
    }
    await Promise.all(floods.map((flood) => flood.end()));
    for (const what of ["ping", "exec"] as const) {
      const [before, after] = [quiet, flooded].map((samples) =>
        quantile(
          samples.map((sample) => sample[what]),
          0.25,
        ),
      );
      rows.push([what, kind.what, kind.guests, kind.commands, before!, after!, after! / before!]);
    }
  }
  channel.close();
  const columns = [
    column.text("another guest's"),
    column.text("a flood of"),
    column.count("guests"),
    column.count("commands of each"),
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
  readonly #kind: Kind;
  readonly #directory = mkdtempSync(join(tmpdir(), "pf-"));
  #channel: Channel | null = null;
  #logs: readonly Logs[] = [];
  #outputs = "";

  private constructor(child: ChildProcess, path: string, kind: Kind) {
    this.#child = child;
    this.#path = path;
    this.#kind = kind;
    writeFileSync(this.#mailbox, Buffer.alloc(TWO_WAY_HELLO.mailbox_bytes + TWO_WAY_HELLO.outbox_bytes));
  }

  static async start(kind: Kind): Promise<Flood> {
    const program = fileURLToPath(new URL("../test/guest/lies/flood-process.js", import.meta.url));
    const words = kind.kind === null ? [] : [kind.kind];
    const child = spawn(process.execPath, [program, ...words], { stdio: ["ignore", "pipe", "inherit"] });
    const [path] = (await once(child.stdout, "data")) as [Buffer];
    return new Flood(child, path.toString().trim(), kind);
  }

  get #mailbox(): string {
    return join(this.#directory, "mailbox");
  }

  async open(): Promise<void> {
    const options = { deadlineMs: 10_000, mailboxPath: this.#mailbox };
    this.#channel = await Channel.open(await connectUnix(this.#path), options);
    await this.#channel.request("ping");
    if (this.#kind.kind === null) this.#channel.request("flood", {}, { timeoutMs: null }).catch(() => {});
    const { commands } = this.#kind;
    const directory = (this.#outputs = mkdtempSync(join(this.#directory, "outputs-")));
    this.#logs = await Promise.all(
      Array.from({ length: commands }, (_, at) => openLogs(join(directory, `${at}`), true)),
    );
    for (const logs of this.#logs) {
      const request = { command: "flood", cwd: "/", env: {}, stdin: null, ...sinkOf(logs) };
      // Not awaited: the answers to later starts wait behind the flood.
      Exec.start(this.#channel, request).catch(() => {});
    }
  }

  async close(): Promise<void> {
    this.#channel?.close();
    await Promise.all(this.#logs.map(closeLogs));
    rmSync(this.#outputs, { recursive: true, force: true });
  }

  async end(): Promise<void> {
    rmSync(this.#directory, { recursive: true, force: true });
    this.#child.kill("SIGTERM");
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "close");
  }
}
