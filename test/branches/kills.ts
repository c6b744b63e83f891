import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { commandLineOf, endOf, kill, processesOf, until, type Ended } from "../client/scratch.js";
import type { TaskScratch } from "../faults/task-scratch.js";
import { random } from "../seed.js";

export const operations = ["snapshot", "fork", "reset", "stop", "start", "try"] as const;
export const victims = ["daemon", "qemu", "helper", "client"] as const;
export type Operation = (typeof operations)[number];
export type Victim = (typeof victims)[number];

/** The result of a round, which is printed as one line. */
export interface Round {
  readonly operation: Operation;
  readonly victim: Victim;
  readonly afterMs: number;
  /** False when there was none to kill at that moment. */
  readonly hit: boolean;
  /** The exit status of the client; null when it was killed. */
  readonly status: number | null;
  /** The state of the task afterwards. */
  readonly state: string;
}

const MOST_MS = 900;
export const COUNTER =
  "n=0; while :; do n=$((n+1)); echo $n >/dev/shm/n.new; mv /dev/shm/n.new /dev/shm/n; sleep 0.05; done";

/** One task whose content is known, and what happens to it. */
export class Kills {
  readonly #scratch: TaskScratch;
  readonly task: string;
  /** A snapshot in which the task has a counter and the content 0. */
  readonly #base: string;
  #content = "0";

  private constructor(scratch: TaskScratch, task: string, base: string) {
    this.#scratch = scratch;
    this.task = task;
    this.#base = base;
  }

  static async open(scratch: TaskScratch): Promise<Kills> {
    const task = await scratch.create();
    await scratch.execHere(task, "echo 0 >kept");
    await scratch.client.call("task.exec", { task_id: task, command: COUNTER, background: true });
    const { snapshot_id: base } = await scratch.client.call("task.snapshot.create", { task_id: task });
    return new Kills(scratch, task, base);
  }

  /** Does an operation, kills something in the midst of it, and checks what must be true afterwards. */
  async round(number: number, operation: Operation, victim: Victim): Promise<Round> {
    await this.#begin(String(number), operation);
    const afterMs = Math.round(random() * (victim === "helper" ? 100 : MOST_MS));
    const client = this.#scratch.start(this.#words(operation));
    const ended = endOf(client);
    await sleep(afterMs);
    const hit = victim === "client" ? client.kill("SIGKILL") : await this.#kill(victim);
    const end = await ended;
    await this.#check(operation, victim, end);
    const { state } = await this.#scratch.status(this.task);
    await this.#recover(state);
    return { operation, victim, afterMs, hit, status: end.status, state };
  }

  /** Deletes everything; nothing may be left. */
  async close(): Promise<void> {
    const { client } = this.#scratch;
    await this.#scratch.delete(this.task);
    await until(
      "nothing of the snapshots is left",
      () => readdirSync(join(this.#scratch.home, "snapshots")).length === 0,
    );
    assert.deepEqual((await client.call("task.list", {})).tasks, []);
  }

  async #begin(content: string, operation: Operation): Promise<void> {
    await this.#scratch.execHere(this.task, `echo ${content} >kept && sync`, {}, 120);
    this.#content = content;
    if (operation === "start") await this.#scratch.client.call("task.stop", { task_id: this.task });
  }

  #words(operation: Operation): string[] {
    const { task } = this;
    if (operation === "snapshot") return ["task", "snapshot", "create", task, "-q"];
    if (operation === "fork") return ["task", "fork", task, "-q"];
    if (operation === "reset") return ["task", "reset", task, "--to", this.#base, "--force"];
    if (operation === "try") return ["task", "try", task, "--variant", "echo tried >kept", "--variant", "exit 3"];
    return ["task", operation, task];
  }

  async #kill(victim: Exclude<Victim, "client">): Promise<boolean> {
    if (victim === "daemon") return this.#scratch.killDaemon().then(() => true);
    const pid = victim === "helper" ? await this.#waitForHelper() : this.#findQemu();
    return pid !== undefined && kill(pid);
  }

  /** It lives for a moment only. */
  async #waitForHelper(): Promise<number | undefined> {
    for (const deadline = performance.now() + MOST_MS; performance.now() < deadline; await sleep(1)) {
      const pid = this.#findHelper();
      if (pid !== undefined) return pid;
    }
    return undefined;
  }

  #findHelper(): number | undefined {
    return processesOf(this.#scratch.home).find((pid) => commandLineOf(pid)[0]?.endsWith("/pyro-pages"));
  }

  #findQemu(): number | undefined {
    try {
      return this.#scratch.qemuOf(this.task);
    } catch {
      return undefined;
    }
  }

  async #check(operation: Operation, victim: Victim, { status, stdout }: Ended): Promise<void> {
    const { client } = this.#scratch;
    // The daemon is there again with the first call.
    if (victim === "qemu") await this.#waitUntilNoticed();
    const { state } = await this.#scratch.status(this.task);
    if (victim !== "qemu") assert.notEqual(state, "failed", `a killed ${victim} has ended the task`);
    if (state !== "failed") await this.#checkContent(operation);
    const ids = stdout.split("\n").filter((line) => /^(task|snap)-[0-9a-f]{12}$/.test(line));
    if (status === 0 && operation === "snapshot") {
      const [acknowledged = ""] = ids;
      assert.ok(this.#listed(await client.call("task.snapshot.list", {})).includes(acknowledged), "a snapshot is lost");
      await this.#checkFork(acknowledged, this.#content);
    }
    if (status === 0 && operation === "fork") for (const id of ids) await this.#checkForked(id);
    await this.#sweep();
  }

  /** The daemon notices the end of a VM a moment later: until then it reports the task as running. */
  async #waitUntilNoticed(): Promise<void> {
    await until("the end of the VM is noticed", async () => {
      if ((await this.#scratch.status(this.task)).state === "failed") return true;
      const entry = await this.#scratch.execHere(this.task, "true", {}, 120).catch(() => null);
      return entry?.exit_code === 0;
    });
  }

  /** Asserts that the files written before exist, unless a reset was done. */
  async #checkContent(operation: Operation): Promise<void> {
    const { stdout, exit_code } = await this.#scratch.execHere(this.task, "cat kept", {}, 120);
    const allowed = operation === "reset" ? [this.#content, "0"] : [this.#content];
    assert.equal(exit_code, 0);
    assert.ok(allowed.includes(stdout?.trim() ?? ""), `${operation}: the content is ${stdout}, not ${this.#content}`);
    const count = async () => Number((await this.#scratch.execHere(this.task, "cat /dev/shm/n", {}, 120)).stdout);
    const first = await count();
    await until("the counter counts on", async () => (await count()) > first, 60);
  }

  async #checkFork(source: string, content: string): Promise<void> {
    const { tasks } = await this.#scratch.client.call("task.fork", { task_id: source });
    for (const { task_id } of tasks) {
      assert.equal((await this.#scratch.execHere(task_id, "cat kept", {}, 120)).stdout, `${content}\n`);
    }
  }

  async #checkForked(fork: string): Promise<void> {
    const { state } = await this.#scratch.status(fork);
    assert.equal(state, "started", "an acknowledged fork is lost");
    assert.equal((await this.#scratch.execHere(fork, "cat kept", {}, 120)).stdout, `${this.#content}\n`);
  }

  #listed({ snapshots }: { snapshots: readonly { snapshot_id: string }[] }): string[] {
    return snapshots.map(({ snapshot_id }) => snapshot_id);
  }

  /** Removes what a round has made on purpose. Then only the task and its base are there, and every snapshot is whole. */
  async #sweep(): Promise<void> {
    const { client, home } = this.#scratch;
    const path = join(home, "snapshots");
    for (const { task_id, forked_from } of (await client.call("task.list", {})).tasks) {
      if (forked_from !== null) await client.call("task.delete", { task_id }).catch(() => {});
    }
    await until("only the task is left", async () => (await client.call("task.list", {})).tasks.length === 1);
    for (const id of this.#listed(await client.call("task.snapshot.list", {}))) {
      if (id !== this.#base) await client.call("task.snapshot.delete", { snapshot_id: id });
    }
    const needed = async () => {
      const record = readFileSync(join(home, "tasks", this.task, "task.json"), "utf8");
      const { resumes_from } = JSON.parse(record) as { resumes_from: string | null };
      return resumes_from === null || resumes_from === this.#base ? [this.#base] : [this.#base, resumes_from];
    };
    await until("only whole snapshots are left", async () => {
      const left = readdirSync(path).toSorted();
      return left.join() === (await needed()).toSorted().join();
    });
  }

  /** For the next round the task runs. One whose VM was killed continues from its base. */
  async #recover(state: string): Promise<void> {
    const { client } = this.#scratch;
    if (state === "failed") await client.call("task.reset", { task_id: this.task, to: this.#base, force: true });
    else await client.call("task.start", { task_id: this.task });
    const vms = readdirSync(join(this.#scratch.home, "vms"));
    assert.deepEqual(vms, [this.task.replace("task-", "vm-")], "a VM was left");
  }
}
