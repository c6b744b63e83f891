import type { CallOptions } from "../../../client/client.js";
import { limits } from "../../../contract/limits.js";
import type { OperationEvent } from "../../../contract/operation.js";
import type { ResultOf } from "../../../contract/operations.js";
import { InputQueue } from "../input-queue.js";
import type { ProcessRecord } from "../sandbox-record.js";

export interface Size {
  readonly rows: number;
  readonly cols: number;
}

/** An event of a process, as clients get it. */
export type ProcessEvent =
  | { readonly data: { readonly stdout: string } | { readonly stderr: string } | { readonly pty: string } }
  | { readonly end: ProcessEnd };

export interface ProcessEnd {
  readonly exitCode: number;
  readonly exited: boolean;
  readonly status: string;
  readonly error?: string;
}

export type Subscriber = (event: ProcessEvent) => Promise<void> | void;

/** The longest piece of output in one event. */
const MAX_PIPE_BYTES = 32_768;
const MAX_PTY_BYTES = 16_384;

/** The signals that clients can send. */
export const signals = { SIGNAL_SIGKILL: 9, SIGNAL_SIGTERM: 15 } as const;
export type SignalName = keyof typeof signals;
const signalTexts: Readonly<Record<number, string>> = { 9: "killed", 15: "terminated" };

/** The size of a process's terminal, and who follows it. */
export class Terminal {
  #size: Size;
  readonly #listeners = new Set<(size: Size) => void>();

  constructor(size: Size) {
    this.#size = within(size);
  }

  size(): Size {
    return this.#size;
  }

  onResize(listener: (size: Size) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  resize(size: Size): void {
    this.#size = within(size);
    for (const listener of this.#listeners) listener(this.#size);
  }
}

function within({ rows, cols }: Size): Size {
  const { min, max } = limits.terminalCells;
  const clamp = (count: number) => Math.min(Math.max(count, min), max);
  return { rows: clamp(rows), cols: clamp(cols) };
}

/** The gateway's end of a command that it reads. */
export class Reading {
  /** Null when the command has no input. */
  readonly input: InputQueue | null;
  /** Null without a terminal. */
  readonly terminal: Terminal | null;
  readonly detaching = new AbortController();
  /** Bytes of each stream that have been read. */
  readonly seen: { stdout: number; stderr: number };

  constructor(input: InputQueue | null, size: Size | null, seen = { stdout: 0, stderr: 0 }) {
    this.input = input;
    this.terminal = size === null ? null : new Terminal(size);
    this.seen = seen;
  }

  /** The same as options of a call. */
  get options(): Pick<CallOptions, "detachSignal" | "stdin" | "terminal"> {
    const { input, terminal, detaching } = this;
    return { detachSignal: detaching.signal, ...(input && { stdin: input }), ...(terminal && { terminal }) };
  }

  count(event: OperationEvent): void {
    if (event.event === "stdout" || event.event === "stderr") this.seen[event.event] += event.data.length;
    if (event.event === "gap") this.seen[event.stream] += event.bytes;
  }
}

/** A process of a sandbox: a command of its task, with any number of subscribers. */
export class SandboxProcess {
  readonly record: ProcessRecord;
  reading: Reading;
  end: ProcessEnd | null = null;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
  #onEnded = () => {};
  readonly #subscribers = new Set<Subscriber>();
  /** Signals that a client sent; the guest reports an end by a signal as an exit status. */
  readonly #sent = new Set<number>();

  constructor(record: ProcessRecord, reading: Reading) {
    this.record = record;
    this.reading = reading;
    this.ended = new Promise((resolve) => (this.#onEnded = resolve));
  }

  /** Calls back with each event from now on. Returns a function that ends that. */
  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /** Output: given to the subscribers, or dropped when there is none. Resolves when they take more. */
  async takeOutput(stream: "stdout" | "stderr", bytes: Uint8Array): Promise<void> {
    const { tty } = this.record;
    const most = tty ? MAX_PTY_BYTES : MAX_PIPE_BYTES;
    for (let at = 0; at < bytes.length && this.#subscribers.size > 0; at += most) {
      const text = Buffer.from(bytes.subarray(at, at + most)).toString("base64");
      await this.#emit({ data: tty ? { pty: text } : stream === "stdout" ? { stdout: text } : { stderr: text } });
    }
  }

  noteSignal(number: number): void {
    this.#sent.add(number);
  }

  async finish(result: Pick<ResultOf<"task.exec">, "exit_code" | "oom_killed">): Promise<void> {
    this.reading.input?.drop();
    this.end = this.#endOf(result);
    this.#onEnded();
    await this.#emit({ end: this.end });
    this.#subscribers.clear();
  }

  #endOf({ exit_code, oom_killed }: Pick<ResultOf<"task.exec">, "exit_code" | "oom_killed">): ProcessEnd {
    const number = (exit_code ?? 137) - 128;
    const isKilled = exit_code === null || (oom_killed === true && number === 9) || this.#sent.has(number);
    if (isKilled) {
      const status = `signal: ${signalTexts[number] ?? "killed"}`;
      return { exitCode: -1, exited: false, status, error: status };
    }
    const status = `exit status ${exit_code}`;
    return { exitCode: exit_code, exited: true, status, ...(exit_code === 0 ? {} : { error: status }) };
  }

  async #emit(event: ProcessEvent): Promise<void> {
    await Promise.all([...this.#subscribers].map(async (subscriber) => subscriber(event)));
  }
}
