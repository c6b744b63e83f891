import assert from "node:assert/strict";
import { type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Client, type CallOptions } from "../../src/client/client.js";
import { execTask } from "../../src/client/task-exec.js";
import type { ResultOf } from "../../src/contract/operations.js";
import { commandLineOf, processesOf, until } from "../client/scratch.js";
import { VmScratch } from "../vm/vm-scratch.js";

export type Task = ResultOf<"task.status">;
export type Entry = ResultOf<"task.exec">;

interface Failure {
  readonly error: { readonly code: string; readonly message: string; readonly details: Record<string, unknown> };
}

/** How often a fault is repeated, at another moment each time. A night's run sets PYRO_FAULT_ROUNDS=20. */
export const rounds = Number(process.env["PYRO_FAULT_ROUNDS"] ?? 3);

/** A home with tasks in it, and the means to break them. */
export class TaskScratch extends VmScratch {
  readonly client = new Client({ ...process.env, ...this.env });

  /** A task of little memory; its id. */
  async create(...flags: string[]): Promise<string> {
    return (await this.json<Task>("task", "create", "debian:12", "--mem-mib", "256", ...flags)).task_id;
  }

  /** The words of a command line that runs a script in a task. */
  script(task: string, script: string, ...flags: string[]): string[] {
    return ["task", "exec", task, ...flags, "--", "sh", "-c", script];
  }

  exec(task: string, script: string, ...flags: string[]) {
    return this.pyro(this.script(task, script, ...flags));
  }

  /** Runs a script in a task through the client that all doors share, in this process. */
  execHere(task: string, script: string, options: CallOptions = {}): Promise<Entry> {
    return execTask(this.client, { task_id: task, command: script }, options);
  }

  startExec(task: string, script: string, ...flags: string[]): ChildProcess {
    return this.start(this.script(task, script, ...flags));
  }

  /** What a command answers with `--json`; it must succeed. */
  async json<Result>(...args: string[]): Promise<Result> {
    const { status, stdout, stderr } = await this.pyro([...args, "--json"]);
    assert.equal(status, 0, stdout + stderr);
    return JSON.parse(stdout) as Result;
  }

  /** How a command fails: its exit status and its error. */
  async failure(...args: string[]): Promise<{ status: number | null } & Failure["error"]> {
    const separator = args.indexOf("--");
    const words = separator === -1 ? [...args, "--json"] : args.toSpliced(separator, 0, "--json");
    const { status, stdout } = await this.pyro(words);
    return { status, ...(JSON.parse(stdout) as Failure).error };
  }

  /** How a command fails; null when it does not. */
  async failureOrNull(...args: string[]): Promise<Failure["error"] | null> {
    const { status, stdout } = await this.pyro([...args, "--json"]);
    return status === 0 ? null : (JSON.parse(stdout) as Failure).error;
  }

  status(task: string): Promise<Task> {
    return this.json<Task>("task", "status", task);
  }

  async entries(task: string): Promise<Entry[]> {
    return (await this.json<ResultOf<"task.logs">>("task", "logs", task)).entries;
  }

  /** Waits until that many commands of a task have said something. */
  async waitForRunning(task: string, count: number): Promise<void> {
    await until(`${count} commands of ${task} run`, async () => {
      const running = (await this.entries(task)).filter(({ state, stdout }) => state === "running" && stdout !== "");
      return running.length === count;
    });
  }

  override async daemonPid(): Promise<number> {
    const { pid } = await this.client.call("daemon.status", {});
    return pid!;
  }

  async killDaemon(): Promise<void> {
    process.kill(await this.daemonPid(), "SIGKILL");
  }

  /** The directory of a task's files. */
  taskPath(task: string): string {
    return join(this.home, "tasks", task);
  }

  /** The QEMU of a task, beneath the jail whose command line names the VM's directory. */
  qemuOf(task: string): number {
    const directory = join(this.home, "vms", task.replace("task-", "vm-"));
    const jails = processesOf(this.home).filter((pid) => commandLineOf(pid).includes(directory));
    const qemu = jails.flatMap(childrenOf).find((pid) => commandLineOf(pid)[0]?.includes("qemu-system"));
    assert.ok(qemu, `no QEMU of ${task}`);
    return qemu;
  }
}

/** Waits until a child has said something on its standard output; returns all it says, growing. */
export async function saying(child: ChildProcess, text: string): Promise<{ stdout: string }> {
  const said = { stdout: "" };
  child.stdout?.on("data", (chunk: Buffer) => (said.stdout += chunk.toString()));
  await until(`a command says ${text}`, () => said.stdout.includes(text));
  return said;
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
