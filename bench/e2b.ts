import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { Sandbox } from "e2b";

import { median, timeMs } from "../src/bench/numbers.js";
import { pyroPath, runStarter } from "../src/bench/starts.js";
import { column, type Table } from "../src/bench/table.js";
import { openClient } from "../src/client/client.js";
import { USER_SETUP } from "../src/doors/e2b/templates.js";
import { Pyro } from "../src/doors/sdk/pyro.js";
import type { BenchHome } from "./home.js";
import { rounds } from "./rounds.js";

const STARTS = rounds(15);
const COMMANDS = rounds(50);
const SANDBOXES = rounds(50);
/** Enough for the next spare VM to be ready. */
const PAUSE_MS = 5_000;

/** The gateway for programs of E2B, used by E2B's SDK: against runs from a spare VM, against pyro's own SDK, and many sandboxes at once. */
export async function benchE2b({ env }: BenchHome): Promise<Table[]> {
  const gateway = spawn(process.execPath, [pyroPath, "e2b", "serve", "--port", "0"], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const empty = createServer(answerStart).listen(0, "127.0.0.1");
  try {
    const apiUrl = await new Promise<string>((resolve, reject) => {
      gateway.once("exit", () => reject(new Error("The gateway has ended.")));
      gateway.stderr.on("data", (text: Buffer) => {
        const found = /serving on (http:\S+)/.exec(text.toString());
        if (found) resolve(found[1]!);
      });
    });
    // As the environment of docs/e2b.md, which has the user already, though without its packages.
    await openClient(env).call("env.build", { name: "base", from: "debian:12", run: [USER_SETUP], user: "user" });
    const options = { apiUrl, sandboxUrl: apiUrl, apiKey: await readKey(env), timeoutMs: 3_600_000 };
    return [await benchStarts(env, options), await benchCommands(env, options, empty), await benchTogether(options)];
  } finally {
    gateway.kill();
    empty.close();
  }
}

type Options = NonNullable<Parameters<typeof Sandbox.create>[1]>;

async function benchStarts(env: NodeJS.ProcessEnv, options: Options): Promise<Table> {
  const command = [process.execPath, pyroPath, "run", "base", "--network", "--", "true"];
  const run = () => runStarter({ command, env });
  const sandboxes: Sandbox[] = [];
  const create = async () => {
    const sandbox = await Sandbox.create("base", options);
    sandboxes.push(sandbox);
    await sandbox.commands.run("true");
  };
  const [runs, starts] = [[] as number[], [] as number[]];
  for (let round = -1; round < STARTS; round++) {
    for (const [work, times] of [[run, runs] as const, [create, starts] as const]) {
      await sleep(PAUSE_MS);
      const took = await timeMs(work);
      // The first round is not counted, since it makes the template.
      if (round >= 0) times.push(took);
    }
    await sandboxes.pop()?.kill();
  }
  return {
    title: "A new sandbox of E2B to the end of its first command",
    columns: [
      column.count("n"),
      column.ms("sandbox and command"),
      column.ms("`pyro run base --network -- true` from a spare VM"),
      column.ratio("÷ (at most 1.3)"),
    ],
    rows: [[STARTS, median(starts), median(runs), median(starts) / median(runs)]],
  };
}

/** One round trip on the same VM, by turns: of E2B's SDK, of pyro's own, and of E2B's with a server that answers at once. */
async function benchCommands(
  env: NodeJS.ProcessEnv,
  options: Options,
  empty: ReturnType<typeof createServer>,
): Promise<Table> {
  const pyro = new Pyro({ home: env["PYRO_HOME"]! });
  const sandbox = await Sandbox.create("base", options);
  const task = `e2b-${sandbox.sandboxId}`;
  const emptyUrl = `http://127.0.0.1:${(empty.address() as AddressInfo).port}`;
  const alone = await Sandbox.connect(sandbox.sandboxId, { ...options, sandboxUrl: emptyUrl });
  const works = {
    e2b: () => sandbox.commands.run("true"),
    pyro: () => pyro.execTask(task, { command: "true" }),
    login: () => pyro.execTask(task, { command: ["/bin/bash", "-l", "-c", "true"] }),
    alone: () => alone.commands.run("true"),
  };
  const names = Object.keys(works) as (keyof typeof works)[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<keyof typeof works, number[]>;
  for (let round = -1; round < COMMANDS; round++) {
    for (const name of names) {
      const took = await timeMs(works[name]);
      if (round >= 0) times[name].push(took);
    }
  }
  await sandbox.kill();
  const [e2b, own, login, sdk] = names.map((name) => median(times[name])) as [number, number, number, number];
  return {
    title: 'A command\'s round trip, `commands.run("true")`',
    columns: [
      column.count("n"),
      column.ms("E2B's SDK through the gateway"),
      column.ms('pyro\'s SDK, `exec("true")`'),
      column.ms("above it"),
      column.ms("pyro's SDK, the same login shell"),
      column.ms("above it (at most 15 ms)"),
      column.ms("E2B's SDK alone"),
    ],
    rows: [[COMMANDS, e2b, own, e2b - own, login, e2b - login, sdk]],
    notes: [
      "E2B's SDK starts each command as `/bin/bash -l -c`, and an emulated CPU takes most of the time for that shell. Alone, it speaks with a server in its own process that answers at once.",
    ],
  };
}

async function benchTogether(options: Options): Promise<Table> {
  const sandboxes: Sandbox[] = [];
  const create = async () => void sandboxes.push(await Sandbox.create("base", options));
  const created = await timeMs(async () => {
    while (sandboxes.length < SANDBOXES) await Promise.all([create(), create()]);
  });
  const commands = await timeMs(() =>
    Promise.all(sandboxes.map((each) => each.commands.run("true", { timeoutMs: 0 }))),
  );
  await Promise.all(sandboxes.map((each) => each.kill()));
  return {
    title: `${sandboxes.length} sandboxes at once`,
    columns: [column.count("sandboxes"), column.ms("created, two at a time"), column.ms("a command in all of them")],
    rows: [[sandboxes.length, created, commands]],
  };
}

/** Answers the start of a process as if it had ended at once. */
const answerStart: Parameters<typeof createServer>[1] = (request, response) => {
  request.resume().once("end", () => {
    const events = [{ event: { start: { pid: 1 } } }, { event: { end: { exitCode: 0, exited: true, status: "" } } }];
    response.writeHead(200, { "content-type": "application/connect+json" });
    for (const event of events) response.write(envelope(0, event));
    response.end(envelope(2, {}));
  });
};

function envelope(flags: number, message: object): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

async function readKey(env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(process.execPath, [pyroPath, "e2b", "key"], { env, stdio: ["ignore", "pipe", "inherit"] });
  let key = "";
  for await (const text of child.stdout) key += String(text);
  return key.trim();
}
