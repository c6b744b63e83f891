import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { readContract } from "../../../src/contract/rendered.js";
import { nameOf } from "../../../src/doors/cli/command.js";
import { buildCommands } from "../../../src/doors/cli/commands.js";
import { pyroPath, Scratch, until, type Ended } from "../../client/scratch.js";
import { Listening, resultOf, runInShell } from "../../daemon/listening.js";

const TASK = "task-000000000000";
const BIG = "x".repeat(4_000_000);

/** The arguments of each command. None of these starts a VM: no environment or task has these names. */
const rest: Readonly<Record<string, readonly string[]>> = {
  run: ["debian:99", "--", "true"],
  "task create": ["debian:99"],
  "task sync push": [TASK, "/nonexistent"],
  "task exec": [TASK, "--", "true"],
  "task output": [TASK, "1"],
  "task signal": [TASK, "1"],
  "env pull": ["debian:99"],
  "env inspect": ["debian:12"],
  "mcp config": ["codex"],
  completion: ["bash"],
  // Without a flag it prints what the daemon answers, and nothing was asked.
  relay: ["--facts"],
  // With a port it would serve until a signal.
  "e2b serve": ["--port", "none"],
};
const commands = buildCommands(readContract()).map((command) => {
  const name = nameOf(command);
  const ids = command.positionals.filter(({ required }) => required).map(() => TASK);
  return [name, [...command.words, ...(rest[name] ?? ids)]] as const;
});
commands.push(["help", ["help"]], ["a usage error", ["fly"]], ["--version", ["--version"]]);

/** Redirections of a shell, around a command. */
const faults: Readonly<Record<string, string>> = {
  "a full disk as standard output": ">/dev/full",
  "a full disk as standard output and error": ">/dev/full 2>&1",
  "standard output open for reading only": "1</dev/null",
  "no standard streams at all": "<&- >&- 2>&-",
  "a directory as standard input, a full disk as standard error": "</ 2>/dev/full",
};
const LOSES_STDOUT = /^>\/dev\/full|^1<\/dev\/null/;
/** The other commands behave like one of these. */
const SAMPLE = new Set(["run", "help", "task list", "task logs", "mcp serve", "a usage error"]);
const triedOnAll = (redirections: string) => /^(?:>\/dev\/full|<\/ 2>\/dev\/full)$/.test(redirections);

let scratch: Scratch;
let fake: Listening;
before(() => {
  scratch = new Scratch();
  fake = new Listening(runInShell, {
    others: {
      "task.logs": async (_core, { task_id }) => ({ task_id, count: 1, entries: [{ ...bigEntry, task_id }] }),
    },
  });
});
after(async () => {
  await fake[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

const bigEntry = {
  ...resultOf(0),
  ...{ sequence: 1, command: "yes", cwd: "/workspace", state: "ended" as const, stdout: BIG, error: null },
  started_at: "2026-01-01T00:00:00.000Z",
  restored: null,
};

/** Commands that would pull an environment, or look for a model: this daemon has neither. */
const NEEDS_FAKE = /^(?:bench|demo)/;

function envOf(name: string): NodeJS.ProcessEnv {
  return NEEDS_FAKE.test(name) ? { ...fake.env, OLLAMA_HOST: "127.0.0.1:9" } : scratch.env;
}

function inShell(words: readonly string[], redirections: string, env: NodeJS.ProcessEnv) {
  const script = `"$@" ${redirections}`;
  return spawn("sh", ["-c", script, "sh", process.execPath, pyroPath, ...words], { env, cwd: "/" });
}

/** Ends at the deadline, so that a command which waits for ever fails the test and does not hang it. */
async function endWithin(child: ReturnType<typeof inShell>, deadlineSeconds = 120): Promise<Ended> {
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  let status: number | null | undefined;
  child.once("close", (code) => (status = code));
  await until(`${child.spawnargs.slice(5).join(" ")} ends`, () => status !== undefined, deadlineSeconds);
  return { status: status ?? null, stdout, stderr };
}

function assertNoStack({ stdout, stderr }: Ended, what: string): void {
  assert.doesNotMatch(stdout + stderr, /\n {4}at |node:internal|node:events|Unhandled|Node\.js v/, what);
}

for (const [fault, redirections] of Object.entries(faults)) {
  test(`every command with ${fault}: ends with a status, and prints no stack`, async () => {
    const tried = triedOnAll(redirections) ? commands : commands.filter(([name]) => SAMPLE.has(name));
    assert.ok(tried.length >= SAMPLE.size);
    const ended = await inTurns(tried, async ([name, words]) => {
      const child = inShell(words, redirections, envOf(name));
      child.stdin.end();
      return [name, await endWithin(child)] as const;
    });
    for (const [name, end] of ended) {
      assertNoStack(end, name);
      assert.ok([0, 1, 2, 125].includes(end.status ?? -1), `${name}: ${end.status} ${end.stderr}`);
      if (LOSES_STDOUT.test(redirections) && end.status === 0)
        assert.ok(printsNothing.has(name), `${name} lost output`);
    }
  });
}

/** The output of these is complete although standard output cannot be written. */
const printsNothing = new Set(["mcp serve"]);

test("every command whose reader is gone: ends quietly with 141 when it has output, and prints no stack", async () => {
  const ended = await inTurns(commands, async ([name, words]) => {
    const child = inShell(words, "", envOf(name));
    child.stdin.end();
    child.stdout.destroy();
    return [name, await endWithin(child)] as const;
  });
  for (const [name, end] of ended) {
    assertNoStack(end, name);
    assert.ok([0, 1, 2, 125, 141].includes(end.status ?? -1), `${name}: ${end.status}`);
    assert.ok(end.status !== 0 || printsNothing.has(name), `${name}: the write that failed was not seen`);
    if (end.status === 141) assert.equal(end.stderr, "", name);
  }
  const statuses = new Map(ended.map(([name, { status }]) => [name, status]));
  for (const name of [
    "help",
    "env list",
    "env inspect",
    "doctor",
    "task list",
    "completion",
    "mcp config",
    "--version",
  ])
    assert.equal(statuses.get(name), 141, name);
});

test("logs piped into `head`: prints the lines that head reads, and ends with 141", async () => {
  const child = inShell(["task", "logs", TASK], "| head -c 100; exit 0", fake.env);
  assert.equal((await endWithin(child)).stderr, "");
  const piped = inShell(["task", "logs", TASK], "", fake.env);
  piped.stdout.once("data", () => piped.stdout.destroy());
  let [status, stderr] = [undefined as number | null | undefined, ""];
  piped.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  piped.once("close", (code) => (status = code));
  await until("it ends", () => status !== undefined);
  assert.deepEqual([status, stderr], [141, ""]);
});

test("a command whose output cannot be written is ended: 125 on a full disk, 141 without a reader", async () => {
  const full = inShell(["run", "e", "--", "sh", "-c", "yes"], ">/dev/full", fake.env);
  full.stdin.end();
  const end = await endWithin(full);
  assert.equal(end.status, 125, end.stderr);
  assertNoStack(end, "run");
  assert.match(end.stderr, /ENOSPC/);
  const gone = inShell(["run", "e", "--", "sh", "-c", "yes >&2"], "2>/dev/full", fake.env);
  gone.stdin.end();
  assert.equal((await endWithin(gone)).status, 125);
});

test("mcp serve ends when its client no longer reads", async () => {
  const child = inShell(["mcp", "serve"], "", scratch.env);
  child.stdout.destroy();
  const clientInfo = { name: "test", version: "1" };
  const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo };
  child.stdin.on("error", () => {});
  child.stdin.write(`${JSON.stringify({ jsonrpc: "2.0", id: 0, method: "initialize", params })}\n`);
  assertNoStack(await endWithin(child), "mcp serve");
});

test("a bug of the client is one line with its code, and its stack is in the log that the line names", async () => {
  const preload =
    "data:text/javascript,process.on('newListener', (name) => name === 'unhandledRejection' && setImmediate(() => { throw new TypeError('boom') }))";
  for (const json of [[], ["--json"]]) {
    const env = { ...scratch.env, NODE_OPTIONS: `--import "${preload}"` };
    const child = inShell(["task", "list", ...json], "", env);
    child.stdin.end();
    const end = await endWithin(child);
    assertNoStack(end, "a bug");
    assert.equal(end.status, 125);
    const log = join(scratch.home, "daemon.log");
    if (json.length > 0) {
      const { error } = JSON.parse(end.stdout) as { error: { code: string; details: { log: string } } };
      assert.deepEqual([error.code, error.details.log], ["INTERNAL", log]);
      assert.equal(end.stderr, "");
    } else assert.ok(end.stderr.startsWith("pyro: boom\n") && end.stderr.includes(log), end.stderr);
    assert.match(readFileSync(log, "utf8"), /TypeError: boom/);
  }
});

test("a command that prints its result after a crash: with --json, only the error is printed", async () => {
  const preload =
    "data:text/javascript,const { stdout } = process; const { write } = stdout; stdout.write = (...given) => { stdout.write = write; process.emit('uncaughtException', new TypeError('boom')); return stdout.write(...given); }";
  const child = inShell(["env", "list", "--json"], "", { ...scratch.env, NODE_OPTIONS: `--import "${preload}"` });
  child.stdin.end();
  const end = await endWithin(child);
  const { error } = JSON.parse(end.stdout) as { error: { code: string; message: string } };
  assert.deepEqual([end.status, error.code, error.message, end.stderr], [125, "INTERNAL", "boom", ""]);
});

/** Several at once, in order: starting the executable takes a few tenths of a second. */
async function inTurns<Item, Result>(items: readonly Item[], work: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const next = items.entries();
  const turn = async () => {
    for (const [index, item] of next) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: 4 }, turn));
  return results;
}
