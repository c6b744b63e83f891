import assert from "node:assert/strict";
import { type ChildProcess } from "node:child_process";
import { join } from "node:path";

import type { CallOptions } from "../../src/client/client.js";
import { execTask } from "../../src/client/task-exec.js";
import { createTask } from "../../src/client/task-source.js";
import { PyroError } from "../../src/contract/errors.js";
import type { ArgumentsOf, OperationName, ResultOf } from "../../src/contract/operations.js";
import { until } from "../client/scratch.js";
import { VmScratch } from "../vm/vm-scratch.js";

export type Task = ResultOf<"task.status">;
export type Entry = ResultOf<"task.exec">;

interface Failure {
  readonly error: { readonly code: string; readonly message: string; readonly details: Record<string, unknown> };
}

/**
 * How often a fault is repeated, each time at another moment. With the usual numbers all faults take about three minutes;
 * a run overnight sets PYRO_FAULT_ROUNDS=20, also for expensive faults.
 */
export function roundsOr(usual: number): number {
  return Number(process.env["PYRO_FAULT_ROUNDS"] ?? usual);
}

/** A home with tasks in it, and the means to break them. */
export class TaskScratch extends VmScratch {
  /** A task of little memory; its id. */
  async create(fields: Partial<ArgumentsOf<"task.create">> = {}): Promise<string> {
    return (await createTask(this.client, { environment: "debian:12", mem_mib: 256, ...fields })).task_id;
  }

  /** The words of a command line that runs a script in a task. */
  script(task: string, script: string, ...flags: string[]): string[] {
    return ["task", "exec", task, ...flags, "--", "sh", "-c", script];
  }

  exec(task: string, script: string, ...flags: string[]) {
    return this.pyro(this.script(task, script, ...flags));
  }

  /** Runs a script that prints a line and does not end, until its time-out; again with a longer one when it was not in time on a busy host. */
  async execToTimeout(task: string, script: string) {
    for (const seconds of [3, 15, 120]) {
      const ended = await this.exec(task, script, "--timeout-seconds", `${seconds}`);
      if (ended.status !== 124 || ended.stdout !== "") return ended;
    }
    throw new Error("the script has not printed within two minutes");
  }

  /** Runs a script in a task through the client that all doors share, in this process. */
  execHere(task: string, script: string, options: CallOptions = {}, timeoutSeconds?: number): Promise<Entry> {
    const limit = timeoutSeconds === undefined ? {} : { timeout_seconds: timeoutSeconds };
    return execTask(this.client, { task_id: task, command: script, ...limit }, options);
  }

  startExec(task: string, script: string, ...flags: string[]): ChildProcess {
    return this.start(this.script(task, script, ...flags));
  }

  /** The `--json` output of a command, which must succeed. */
  async json<Result>(...args: string[]): Promise<Result> {
    const { status, stdout, stderr } = await this.pyro([...args, "--json"]);
    assert.equal(status, 0, stdout + stderr);
    return JSON.parse(stdout) as Result;
  }

  /** The failure of a command: its exit status and its error. */
  async failure(...args: string[]): Promise<{ status: number | null } & Failure["error"]> {
    const separator = args.indexOf("--");
    const words = separator === -1 ? [...args, "--json"] : args.toSpliced(separator, 0, "--json");
    const { status, stdout } = await this.pyro(words);
    return { status, ...(JSON.parse(stdout) as Failure).error };
  }

  /** The failure of a command; null on success. */
  async failureOrNull(...args: string[]): Promise<Failure["error"] | null> {
    const { status, stdout } = await this.pyro([...args, "--json"]);
    return status === 0 ? null : (JSON.parse(stdout) as Failure).error;
  }

  /** The error of a call that fails, as the shared client sees it. */
  async failureHere<Name extends OperationName>(name: Name, input: ArgumentsOf<Name>): Promise<PyroError> {
    const outcome = await this.client.call(name, input).catch(PyroError.from);
    assert.ok(outcome instanceof PyroError, `${name} has not failed`);
    return outcome;
  }

  status(task: string): Promise<Task> {
    return this.client.call("task.status", { task_id: task });
  }

  async entries(task: string): Promise<Entry[]> {
    return (await this.client.call("task.logs", { task_id: task })).entries;
  }

  async delete(task: string): Promise<void> {
    await this.client.call("task.delete", { task_id: task });
  }

  /** Waits until that many commands of a task have printed something. */
  async waitForRunning(task: string, count: number): Promise<void> {
    await until(`${count} commands of ${task} run`, async () => {
      const running = (await this.entries(task)).filter(({ state, stdout }) => state === "running" && stdout !== "");
      return running.length === count;
    });
  }

  /** The directory of a task's files. */
  taskPath(task: string): string {
    return join(this.home, "tasks", task);
  }

  /** The QEMU of a task. */
  qemuOf(task: string): number {
    return this.qemuOfVm(task.replace("task-", "vm-"));
  }
}

/** Waits until a child has printed a text. Returns its standard output, which grows in the result. */
export async function saying(child: ChildProcess, text: string, deadlineSeconds = 60): Promise<{ stdout: string }> {
  const said = { stdout: "" };
  child.stdout?.on("data", (chunk: Buffer) => (said.stdout += chunk.toString()));
  await until(`a command says ${text}`, () => said.stdout.includes(text), deadlineSeconds);
  return said;
}
