import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type ErrorCode, PyroError } from "../../src/contract/errors.js";
import type { ChildProcess } from "node:child_process";
import { endOf, type Ended } from "../client/scratch.js";
import type { Entry, TaskScratch } from "../faults/task-scratch.js";
import type { Known, Ledger } from "./ledger.js";

/** The errors that a call may end with when processes are killed. Any other error is a failure of pyro. */
const EXPECTED: ReadonlySet<ErrorCode> = new Set([
  ...(["ABORTED", "DAEMON_UNREACHABLE", "VM_DIED", "VM_START_FAILED", "RESOURCE_EXHAUSTED"] as const),
  ...(["FAILED_PRECONDITION", "COMMAND_FAILED"] as const),
]);
/** Of these, the failures of questions, which change nothing. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  "ABORTED",
  "DAEMON_UNREACHABLE",
  "VM_DIED",
  "VM_START_FAILED",
  "RESOURCE_EXHAUSTED",
]);
const MOST_TASKS = 2;
const SECONDS = 120;
/** A file fills more than a cluster of a VM's disk, so that QEMU changes the tables of the disk for each file. */
const PADDING_BYTES = 100_000;
/** How often a question is put again that was not answered since something was killed. */
const ASKS = 10;

type Step = readonly [name: string, take: () => Promise<void>];

/** One client: it does one thing after the other, and remembers what was acknowledged. */
export class Worker {
  /** Commands that run in processes of their own, which may be killed. */
  readonly clients = new Set<ChildProcess>();
  readonly #scratch: TaskScratch;
  readonly #ledger: Ledger;
  readonly #name: string;
  readonly #random: () => number;
  readonly #own: Known[] = [];
  /** A deletion of these has failed: it may have been made nevertheless. */
  readonly #doomed = new Set<Known>();
  #tokens = 0;

  constructor(scratch: TaskScratch, ledger: Ledger, name: string, random: () => number) {
    this.#scratch = scratch;
    this.#ledger = ledger;
    this.#name = name;
    this.#random = random;
  }

  /** Works until it is over, then deletes what it has made. */
  async work(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const task = this.#pick(this.#own);
      if (task === undefined) await this.#try("create", () => this.#create());
      else await this.#workOn(task);
    }
    for (const task of [...this.#own]) await this.#settle(task);
    for (const task of [...this.#own]) await this.#delete(task);
  }

  async #workOn(task: Known): Promise<void> {
    const room = this.#own.length < MOST_TASKS;
    const steps: Step[] = [
      ["exec", () => this.#exec(task)],
      ["fsync", () => this.#fsync(task)],
      ["sync", () => this.#sync(task)],
      ["read", () => this.#read(task)],
      ["push", () => this.#push(task)],
      ["pull", () => this.#pull(task)],
      ["run", () => this.#run()],
    ];
    if (room) steps.push(["create", () => this.#create()], ["fork", () => this.#fork(task)]);
    if (this.#random() < 0.3) steps.push(["delete", () => this.#delete(task)]);
    const [name, step] = this.#pick(steps)!;
    if (!(await this.#try(name, step))) await this.#settle(task);
  }

  /** False when the step failed for an expected reason. */
  async #try(name: string, step: () => Promise<void>): Promise<boolean> {
    try {
      await step();
      this.#ledger.count(name);
      return true;
    } catch (error) {
      if (!(error instanceof PyroError) || !EXPECTED.has(error.code)) throw error;
      this.#ledger.count(`failed ${name}`);
      return false;
    }
  }

  async #create(): Promise<void> {
    const id = await this.#scratch.create({ network: this.#random() < 0.3 });
    this.#own.push(this.#ledger.add(id));
  }

  async #exec(task: Known): Promise<void> {
    await this.#write(task, false);
  }

  /** Writes a file and has the guest write it to its disk. */
  async #fsync(task: Known): Promise<void> {
    await this.#write(task, true);
  }

  async #write(task: Known, isSynced: boolean): Promise<void> {
    const token = this.#token();
    const line = `${token}\n`;
    const writing = `{ echo ${token}; head -c ${PADDING_BYTES} /dev/zero | tr '\\0' x; } >${token}`;
    const script = [writing, ...(isSynced ? [`sync ${token}`] : []), `head -n 1 ${token}`].join(" && ");
    await this.#inGuest(task, script, line);
    task.files.set(token, { content: line + "x".repeat(PADDING_BYTES), isSynced });
  }

  /** Has the guest write to its disk all that was acknowledged before. */
  async #sync(task: Known): Promise<void> {
    const files = [...task.files];
    const token = this.#token();
    await this.#inGuest(task, `sync && echo ${token}`, `${token}\n`);
    for (const [name, file] of files) task.files.set(name, { ...file, isSynced: true });
  }

  /** Runs a script that succeeds, in a process that may be killed. */
  async #inGuest(task: Known, script: string, output: string): Promise<void> {
    const entry = JSON.parse(
      await this.#cli(["task", "exec", task.id, "--json", "--timeout-seconds", `${SECONDS}`, "--", "sh", "-c", script]),
    ) as Entry;
    if (entry.exit_code !== 0) throw new PyroError("COMMAND_FAILED", `exit code ${entry.exit_code}`);
    assert.equal(entry.stdout, output);
    task.outputs.set(entry.sequence, output);
  }

  async #read(task: Known): Promise<void> {
    const found = this.#pick([...task.files]);
    if (found === undefined) return;
    const [name, { content }] = found;
    const script = `sha256sum <${name}`;
    const { stdout, exit_code, stderr } = await this.#scratch.execHere(task.id, script, {}, SECONDS);
    const digest = createHash("sha256").update(content).digest("hex");
    assert.deepEqual([exit_code, stdout], [0, `${digest}  -\n`], `${name} of ${task.id} is lost: ${stderr}`);
  }

  async #push(task: Known): Promise<void> {
    const token = this.#token();
    const directory = join(this.#scratch.directory, `push-${token}`);
    mkdirSync(directory);
    writeFileSync(join(directory, token), `pushed ${token}\n`);
    try {
      await this.#cli(["task", "sync", "push", task.id, directory, "--json"]);
      task.files.set(token, { content: `pushed ${token}\n`, isSynced: false });
    } finally {
      rmSync(directory, { recursive: true });
    }
  }

  /** Everything of a VM that runs, and what was synced of one that was killed. */
  async #pull(task: Known): Promise<void> {
    const files = new Map(task.files);
    const directory = join(this.#scratch.directory, `pull-${this.#token()}`);
    try {
      await this.#cli(["task", "export", task.id, "/workspace", "--output", directory, "--json"]);
      const lost = [...files].filter(([name, { content }]) => readIfThere(join(directory, name)) !== content);
      if (lost.length > 0) await this.#assertKilled(task, `${lost.length} files are lost`);
      const synced = lost.filter(([, { isSynced }]) => isSynced).map(([name]) => name);
      assert.deepEqual(synced, [], `files of ${task.id} are lost that were synced`);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  async #fork(task: Known): Promise<void> {
    const files = new Map(task.files);
    const { tasks } = await this.#scratch.client.call("task.fork", { task_id: task.id });
    for (const { task_id } of tasks) this.#own.push(this.#ledger.add(task_id, files));
  }

  async #run(): Promise<void> {
    const token = this.#token();
    const said = await this.#cli(["run", "debian:12", "--mem-mib", "256", "--json", "--", "echo", token]);
    assert.equal((JSON.parse(said) as { stdout: string }).stdout, `${token}\n`);
  }

  async #delete(task: Known): Promise<void> {
    if (this.#ledger.wasKilled(task)) await this.#assertKept(task);
    try {
      await this.#scratch.delete(task.id);
    } catch (error) {
      const isGone = this.#doomed.has(task) && error instanceof PyroError && error.code === "NOT_FOUND";
      this.#doomed.add(task);
      if (!isGone) throw error;
    }
    this.#ledger.remove(task);
    this.#own.splice(this.#own.indexOf(task), 1);
    const error = await this.#scratch.failureHere("task.status", { task_id: task.id });
    assert.equal(error.code, "NOT_FOUND", `${task.id} is back`);
  }

  /**
   * Checks a task whose call failed: no output is lost, and it still runs unless its VM was killed. In that case it is deleted.
   */
  async #settle(task: Known): Promise<void> {
    if (!this.#own.includes(task)) return;
    if (this.#doomed.has(task)) return this.#delete(task);
    const { state } = await this.#ask(() => this.#scratch.status(task.id));
    const entries = await this.#ask(() => this.#scratch.entries(task.id));
    for (const [sequence, output] of task.outputs) {
      const entry = entries.find((each) => each.sequence === sequence);
      assert.equal(entry?.stdout, output, `the output of command ${sequence} of ${task.id} is lost`);
    }
    if (state !== "failed") return;
    await this.#assertKilled(task, "its VM has ended by itself");
    await this.#delete(task);
  }

  /** The VM of a task was killed: its disk has all that was synced. */
  async #assertKept(task: Known): Promise<void> {
    if (this.#doomed.has(task)) return;
    await this.#ask(() => this.#pull(task));
    this.#ledger.count("read killed");
  }

  async #assertKilled(task: Known, what: string): Promise<void> {
    const { state, state_reason } = await this.#ask(() => this.#scratch.status(task.id));
    assert.ok(this.#ledger.wasKilled(task), `${task.id}: ${what}; it is ${state}: ${state_reason}`);
  }

  /** The answer to a question, which is put again while its client, its helper or daemons are killed. */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    for (let more = ASKS; ; more -= 1) {
      try {
        return await question();
      } catch (error) {
        if (more === 0 || !(error instanceof PyroError) || !PASSING.has(error.code)) throw error;
      }
    }
  }

  /** The standard output of a command line that succeeds. Throws ABORTED when its process was killed, else its error. */
  async #cli(words: readonly string[]): Promise<string> {
    const client = this.#scratch.start(words);
    this.clients.add(client);
    client.stdin?.end();
    const ended = await endOf(client);
    this.clients.delete(client);
    if (ended.status === 0) return ended.stdout;
    throw errorOf(ended, words);
  }

  #token(): string {
    return `${this.#name}-${(this.#tokens += 1)}`;
  }

  #pick<T>(all: readonly T[]): T | undefined {
    return all[Math.floor(this.#random() * all.length)];
  }
}

function readIfThere(path: string): string | null {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}

function errorOf({ status, stdout, stderr }: Ended, words: readonly string[]): PyroError {
  if (status === null) return new PyroError("ABORTED", "The client was killed.");
  if (stdout.startsWith("{")) {
    const answer = JSON.parse(stdout) as { error?: Parameters<typeof PyroError.fromBody>[0] };
    if (answer.error) return PyroError.fromBody(answer.error);
    return new PyroError("COMMAND_FAILED", `exit status ${status}`);
  }
  return new PyroError("INTERNAL", `${words.join(" ")}: exit status ${status}: ${stderr}`);
}
