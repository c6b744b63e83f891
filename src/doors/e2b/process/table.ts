import { setTimeout as sleep } from "node:timers/promises";

import { PyroError } from "../../../contract/errors.js";
import { limits } from "../../../contract/limits.js";
import type { OperationEvent } from "../../../contract/operation.js";
import type { ResultOf } from "../../../contract/operations.js";
import { Refusal } from "../answer.js";
import { ConnectError } from "../connect.js";
import { InputQueue } from "../input-queue.js";
import type { Pyro } from "../pyro.js";
import type { ProcessRecord, SandboxRecord } from "../sandbox-record.js";
import { renderPrelude, takeReport, type Report } from "./prelude.js";
import { Reading, SandboxProcess, type Size, type Subscriber } from "./process.js";

/** A process to start. */
export interface NewProcess {
  readonly cmd: string;
  readonly args: readonly string[];
  readonly envs: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly user: string;
  readonly tag: string | undefined;
  readonly stdin: boolean;
  readonly size: Size | null;
}

/** The sandbox of a table of processes. */
export interface TableOwner {
  readonly record: SandboxRecord;
  readonly variables: Readonly<Record<string, string>>;
  update(fields: Pick<SandboxRecord, "processes">): void;
}

/** How often a process is read again after its daemon has ended, and how long that waits. */
const MAX_RETURNS = 20;
const RETURN_MS = 100;
/** How long a process that has ended can still be found. */
const KEPT_MS = 30_000;
/** A longer line is put into a file of the guest first. */
const MAX_LINE_BYTES = limits.commandBytes - 16_384;

/** The processes that were started in a sandbox through the gateway. */
export class ProcessTable {
  readonly #pyro: Pyro;
  readonly #sandbox: TableOwner;
  readonly #processes = new Map<number, SandboxProcess>();
  #files = 0;

  constructor(pyro: Pyro, sandbox: TableOwner) {
    this.#pyro = pyro;
    this.#sandbox = sandbox;
    for (const record of sandbox.record.processes) {
      this.#processes.set(record.pid, new SandboxProcess(record, readingOf(record)));
    }
  }

  list(): readonly SandboxProcess[] {
    return [...this.#processes.values()].filter(({ end }) => end === null);
  }

  /** The process of that id or tag; one that has ended too, for a while. Throws not_found. */
  find(pid: number, tag: string): SandboxProcess {
    const found =
      pid > 0 ? this.#processes.get(pid) : [...this.#processes.values()].findLast(({ record }) => record.tag === tag);
    if (found) return found;
    throw new ConnectError(
      "not_found",
      pid > 0 ? `process with pid ${pid} not found` : `process with tag '${tag}' not found`,
    );
  }

  /** Starts a process; the subscriber gets all its events. Throws unauthenticated, invalid_argument or resource_exhausted. */
  start(wanted: NewProcess, subscriber: Subscriber): Promise<SandboxProcess> {
    const reading = new Reading(wanted.stdin || wanted.size !== null ? new InputQueue() : null, wanted.size);
    return new Promise((resolve, reject) => {
      let process: SandboxProcess | null = null;
      let sequence = 0;
      let head = Buffer.alloc(0);
      const onEvent = async (event: OperationEvent) => {
        if (event.event === "started") sequence = event.sequence;
        if (event.event !== "stdout" && event.event !== "stderr") return;
        if (process) return process.takeOutput(event.event, event.data);
        if (event.event === "stderr") return;
        const { report, rest } = takeReport(Buffer.concat([head, event.data]));
        head = Buffer.from(rest);
        if (report === null) return;
        if (typeof report !== "number") return reject(refusalOf(report, wanted));
        process = this.#begin(wanted, report, sequence, reading);
        process.subscribe(subscriber);
        resolve(process);
        await process.takeOutput("stdout", rest);
      };
      this.#run(wanted, reading, onEvent).then(
        async (result) => {
          if (process === null) reject(failureOf(result, wanted));
          else await this.#finish(process, result);
        },
        async (error: unknown) => {
          // After a detach it runs on: it is read again, or its sandbox is gone.
          if (process === null) reject(error);
          else if (!reading.detaching.signal.aborted) await this.#finish(process, lost);
        },
      );
    });
  }

  async kill(process: SandboxProcess): Promise<void> {
    process.noteSignal(9);
    const { sequence } = process.record;
    await this.#pyro
      .perform("task.exec_signal", { task_id: this.#sandbox.record.taskId, sequence, signal: "KILL" })
      .catch(() => {});
  }

  /** Stops reading all of them. They keep running. */
  detachAll(): void {
    for (const { reading } of this.#processes.values()) reading.detaching.abort();
  }

  /** Ends all of them for clients: their machine is gone. */
  async loseAll(): Promise<void> {
    await Promise.all(this.list().map((process) => this.#finish(process, lost)));
  }

  /** Reads all of them again, from where reading stopped. */
  attachAll(): void {
    for (const process of this.list()) void this.#follow(process);
  }

  async #run(
    wanted: NewProcess,
    reading: Reading,
    onEvent: (event: OperationEvent) => Promise<void>,
  ): Promise<ResultOf<"task.exec">> {
    const { size, user } = wanted;
    const env = { ...this.#sandbox.variables, ...wanted.envs };
    const command = await this.#lineOf(wanted, Object.keys(env));
    const counted = async (event: OperationEvent) => {
      await onEvent(event);
      reading.count(event);
    };
    const fixed = { cwd: "/", user, timeout_seconds: limits.timeoutSeconds.max };
    const place = { task_id: this.#sandbox.record.taskId, command, env, ...fixed };
    const terminal = size === null ? {} : { tty: true, ...reading.terminal?.size() };
    const options = { onEvent: counted, ...reading.options };
    return this.#pyro.perform("task.exec", { ...place, ...terminal }, options).finally(() => reading.input?.drop());
  }

  async #follow(process: SandboxProcess): Promise<void> {
    const reading = readingOf(process.record, process.reading);
    process.reading = reading;
    const { tty, sequence } = process.record;
    const onEvent = async (event: OperationEvent) => {
      if (event.event === "stdout" || event.event === "stderr") await process.takeOutput(event.event, event.data);
      reading.count(event);
    };
    for (let attempt = 1; ; attempt += 1) {
      const { stdout, stderr } = reading.seen;
      const offsets = { stdout_offset: stdout, stderr_offset: stderr };
      const place = { task_id: this.#sandbox.record.taskId, sequence, ...offsets, ...(tty && { keyboard: true }) };
      try {
        return await this.#finish(
          process,
          await this.#pyro.perform("task.follow", place, { onEvent, ...reading.options }),
        );
      } catch (error) {
        if (reading.detaching.signal.aborted) return reading.input?.drop();
        // The daemon has ended; the process runs on, and the next call starts another daemon.
        const isLost = PyroError.from(error).code === "DAEMON_UNREACHABLE" && attempt < MAX_RETURNS;
        if (!isLost) return this.#finish(process, lost);
        await sleep(RETURN_MS);
      }
    }
  }

  #begin(wanted: NewProcess, pid: number, sequence: number, reading: Reading): SandboxProcess {
    const { cmd, args, envs, cwd, tag, size } = wanted;
    const optional = { ...(tag !== undefined && { tag }), ...(cwd !== "" && { cwd }) };
    const record = { pid, sequence, cmd, args: [...args], envs: { ...envs }, tty: size !== null, ...optional };
    const process = new SandboxProcess(record, reading);
    this.#processes.set(pid, process);
    this.#save();
    return process;
  }

  /** Ends a process. Clients can still find it for a while. */
  async #finish(process: SandboxProcess, result: Ending): Promise<void> {
    await process.finish(result);
    this.#save();
    const { pid } = process.record;
    setTimeout(() => {
      if (this.#processes.get(pid) === process) this.#processes.delete(pid);
    }, KEPT_MS).unref();
  }

  #save(): void {
    this.#sandbox.update({ processes: this.list().map(({ record }) => record) });
  }

  /** The command line; a long one is read from a file that the shell removes. */
  async #lineOf(wanted: NewProcess, names: readonly string[]): Promise<string> {
    const line = renderPrelude({ ...wanted, names });
    if (Buffer.byteLength(line) <= MAX_LINE_BYTES) return line;
    const path = `/tmp/.pyro-e2b-${this.#sandbox.record.id}-${(this.#files += 1)}`;
    const file = { task_id: this.#sandbox.record.taskId, path, mode: "0600", user: wanted.user };
    await this.#pyro.perform("task.file.write", file, { stdin: pieceOf(`rm -f ${path}; ${line}\n`) });
    return `. ${path}`;
  }
}

type Ending = Pick<ResultOf<"task.exec">, "exit_code" | "oom_killed">;

/** The end of a process that is gone with its machine. */
const lost: Ending = { exit_code: null, oom_killed: false };

/** How a process that runs is read again: from where it was read before. Input that is not a terminal's has ended. */
function readingOf({ tty }: ProcessRecord, before?: Reading): Reading {
  const size = before?.terminal?.size() ?? { rows: 24, cols: 80 };
  return new Reading(tty ? new InputQueue() : null, tty ? size : null, before?.seen);
}

function refusalOf(report: Exclude<Report, number>, { cwd, cmd }: NewProcess): ConnectError {
  if (report === "no-directory") return new ConnectError("invalid_argument", `cwd '${cwd}' does not exist`);
  return new ConnectError("invalid_argument", `fork/exec ${cmd}: no such file or directory`);
}

function failureOf({ error, stderr }: ResultOf<"task.exec">, { user }: NewProcess): ConnectError {
  if (error?.code === "INVALID_ARGUMENT") return new ConnectError("unauthenticated", `invalid username: '${user}'`);
  return new ConnectError("internal", error?.message ?? `the process could not be started: ${stderr}`);
}

/** The error that a caller of a process gets for a failure of pyro. */
export function connectErrorOf(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  if (error instanceof Refusal) return new ConnectError("unavailable", error.message);
  const { code, message } = PyroError.from(error);
  if (code === "NOT_FOUND" || code === "VM_DIED") return new ConnectError("unavailable", message);
  if (code === "RESOURCE_EXHAUSTED") return new ConnectError("resource_exhausted", message);
  return new ConnectError(code === "INVALID_ARGUMENT" ? "invalid_argument" : "internal", message);
}

async function* pieceOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
