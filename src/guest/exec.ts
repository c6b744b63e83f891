import { constants } from "node:os";

import { PyroError } from "../contract/errors.js";
import { outOfOrder, parseJson, type Channel, type StreamListener } from "./channel.js";
import { buildData, buildWindow, parseData, parseWindow, type Data, type Frame } from "./frames.js";
import { channelNumber, exit as exitSchema, followed, frameType, type Exit } from "./messages.js";

export interface ExecRequest {
  /** One line for the guest's /bin/sh -c. */
  readonly command: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** What the command reads; null for /dev/null. */
  readonly stdin: AsyncIterable<Uint8Array> | null;
  /** Takes output in order, per stream. While it is pending, that stream of the guest waits. */
  readonly onOutput: OnOutput;
}

type OnOutput = (stream: "stdout" | "stderr", bytes: Buffer) => Promise<void>;

/** How much of each stream is held already. */
export interface Offsets {
  readonly stdout: number;
  readonly stderr: number;
}

/** What the agent may send of one stream before it must wait. */
const WINDOW_BYTES = 262_144;
/** A new window is granted when this much of the old one is used up. */
const GRANT_BYTES = 65_536;
const STDIN_CHUNK_BYTES = 32_768;

/** A command running in a guest: output flows to its request's `onOutput` until it ends. */
export class Exec {
  readonly job: number;
  /** Resolves when the command has ended and all its output was taken; rejects when the guest is lost. */
  readonly finished: Promise<Exit>;
  readonly #channel: Channel;
  readonly #stdout: Receiver;
  readonly #stderr: Receiver;
  readonly #stdin: Sender;
  #exit: Exit | null = null;
  #settle!: { resolve: (exit: Exit) => void; reject: (error: Error) => void };

  private constructor(channel: Channel, job: number, onOutput: OnOutput, from: Offsets) {
    this.#channel = channel;
    this.job = job;
    this.finished = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.finished.catch(() => {});
    const receiver = (name: "stdout" | "stderr") =>
      new Receiver(
        from[name],
        (bytes) => onOutput(name, bytes),
        (acked) => this.#grant(channelNumber[name], acked),
        (error) => this.#fail(error),
      );
    this.#stdout = receiver("stdout");
    this.#stderr = receiver("stderr");
    this.#stdin = new Sender();
  }

  /**
   * Starts a command as a job of a number not used before. Throws the agent's refusal, or what ended the channel. Waits for
   * a guest that stands still, since the command will run once it moves: whoever cannot wait kills it then.
   */
  static async start(channel: Channel, request: ExecRequest, job = channel.takeStream()): Promise<Exec> {
    const exec = new Exec(channel, job, request.onOutput, { stdout: 0, stderr: 0 });
    const { command, cwd, env, stdin } = request;
    const fields = { command, cwd, env, stdin: stdin !== null };
    const started = channel.request("start", fields, { stream: job, successor: exec.#listener(), timeoutMs: null });
    exec.#grantAll();
    await started;
    if (stdin !== null) void exec.#sendStdin(stdin, 0);
    return exec;
  }

  /**
   * Finds a job again that an earlier session started, and goes on behind what is held of its output.
   * Its standard input is at its end. Throws the agent's refusal (NO_SUCH_JOB), or what ended the channel.
   */
  static async resume(channel: Channel, job: number, from: Offsets, onOutput: OnOutput): Promise<Exec> {
    const exec = new Exec(channel, job, onOutput, from);
    channel.listen(job, exec.#listener());
    try {
      const state = followed.parse(await channel.request("follow", { job }, { timeoutMs: null }));
      exec.#grantAll();
      if (state.state === "running") void exec.#sendStdin(nothing(), state.stdin_acked);
      return exec;
    } catch (error) {
      channel.unlisten(job);
      throw error;
    }
  }

  /** Sends a signal to the command's process group, such as KILL. */
  async signal(name: string): Promise<void> {
    await this.#channel.request("signal", { job: this.job, signal: name, group: true });
  }

  /** Lets the agent forget the job; one that still runs is killed. */
  async release(): Promise<void> {
    this.#channel.unlisten(this.job);
    this.#stdin.stop();
    await this.#channel.request("release", { job: this.job });
  }

  #listener(): StreamListener {
    return { onFrame: (frame) => this.#receive(frame), onClosed: (reason) => this.#fail(reason) };
  }

  #grantAll(): void {
    this.#grant(channelNumber.stdout, this.#stdout.received);
    this.#grant(channelNumber.stderr, this.#stderr.received);
  }

  #receive(frame: Frame): void {
    if (frame.type === frameType.data) this.#receiveData(parseData(frame.payload));
    else if (frame.type === frameType.window) {
      const window = parseWindow(frame.payload);
      if (window.channel !== channelNumber.stdin) throw outOfOrder(frame);
      this.#stdin.open(window.limit);
    } else if (frame.type === frameType.exit) {
      this.#exit = parseJson(frame, exitSchema);
      this.#stdin.stop();
      void this.#finishWhenComplete();
    } else if (frame.type !== frameType.eof) throw outOfOrder(frame);
  }

  #receiveData(data: Data): void {
    if (data.channel === channelNumber.stdout) this.#stdout.take(data);
    else if (data.channel === channelNumber.stderr) this.#stderr.take(data);
    else throw new PyroError("AGENT_PROTOCOL", `The guest sent data on channel ${data.channel}.`);
    if (this.#exit) void this.#finishWhenComplete();
  }

  async #finishWhenComplete(): Promise<void> {
    const exit = this.#exit!;
    if (this.#stdout.received < exit.stdout_bytes || this.#stderr.received < exit.stderr_bytes) return;
    await Promise.all([this.#stdout.flushed(), this.#stderr.flushed()]);
    this.#settle.resolve(exit);
  }

  #fail(error: Error): void {
    this.#channel.unlisten(this.job);
    this.#stdin.stop();
    this.#settle.reject(error);
  }

  #grant(channel: number, acked: number): void {
    const payload = buildWindow({ channel, acked, limit: acked + WINDOW_BYTES });
    this.#channel.send(frameType.window, this.job, payload);
  }

  async #sendStdin(source: AsyncIterable<Uint8Array>, start: number): Promise<void> {
    const iterator = source[Symbol.asyncIterator]();
    let offset = start;
    try {
      for (;;) {
        const next = await Promise.race([iterator.next(), this.#stdin.stopped]);
        if (next === null || this.#stdin.isStopped) return;
        if (next.done) break;
        const bytes = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
        for (let at = 0; at < bytes.length; ) {
          const room = Math.min(STDIN_CHUNK_BYTES, await this.#stdin.room(offset));
          if (room === 0) return;
          const chunk = bytes.subarray(at, at + room);
          const payload = buildData({ channel: channelNumber.stdin, offset, bytes: chunk });
          if (!this.#channel.send(frameType.data, this.job, payload)) await this.#channel.drained();
          offset += chunk.length;
          at += chunk.length;
        }
      }
      // A job that takes no standard input, as one in the background, grants none: its end must not be said either.
      if (!(await this.#stdin.opened())) return;
      const end = buildData({ channel: channelNumber.stdin, offset, bytes: Buffer.alloc(0) });
      this.#channel.send(frameType.eof, this.job, end);
    } catch (error) {
      this.#fail(PyroError.from(error));
    } finally {
      // Not awaited: the source may be waiting for a caller who has nothing more to say.
      void iterator.return?.().catch(() => {});
    }
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** One output stream: checks offsets, hands bytes on in order, and grants windows as they are taken. */
class Receiver {
  received: number;
  #acked: number;
  #granted: number;
  #queue: Promise<void> = Promise.resolve();

  constructor(
    from: number,
    readonly deliver: (bytes: Buffer) => Promise<void>,
    readonly grant: (acked: number) => void,
    readonly fail: (error: Error) => void,
  ) {
    this.received = this.#acked = this.#granted = from;
  }

  take({ offset, bytes }: Data): void {
    if (offset !== this.received || offset + bytes.length > this.#granted + WINDOW_BYTES) {
      throw new PyroError("AGENT_PROTOCOL", "The guest sent output that overlaps, leaves a gap or passes its window.");
    }
    this.received += bytes.length;
    this.#queue = this.#queue.then(() => this.#deliver(bytes)).catch(this.fail);
  }

  flushed(): Promise<void> {
    return this.#queue;
  }

  async #deliver(bytes: Buffer): Promise<void> {
    await this.deliver(bytes);
    this.#acked += bytes.length;
    if (this.#acked - this.#granted < GRANT_BYTES) return;
    this.#granted = this.#acked;
    this.grant(this.#acked);
  }
}

/** The room the agent has granted for standard input. */
class Sender {
  #limit = 0;
  #isOpen = false;
  isStopped = false;
  readonly stopped: Promise<null>;
  #stop!: (value: null) => void;
  #waiting: (() => void) | null = null;

  constructor() {
    this.stopped = new Promise((resolve) => (this.#stop = resolve));
  }

  open(limit: number): void {
    this.#isOpen = true;
    this.#limit = Math.max(this.#limit, limit);
    this.#waiting?.();
  }

  stop(): void {
    this.isStopped = true;
    this.#stop(null);
    this.#waiting?.();
  }

  /** Resolves when the agent has granted something, if only to be told of the end; false when nothing is wanted any more. */
  async opened(): Promise<boolean> {
    while (!this.isStopped && !this.#isOpen) await new Promise<void>((resolve) => (this.#waiting = resolve));
    return !this.isStopped;
  }

  /** Bytes that may be sent from an offset on; 0 when nothing is wanted any more. */
  async room(offset: number): Promise<number> {
    while (!this.isStopped && this.#limit <= offset) {
      await new Promise<void>((resolve) => (this.#waiting = resolve));
    }
    return this.isStopped ? 0 : this.#limit - offset;
  }
}

/** Runs a command to its end, output unseen; returns its exit status. */
export async function runForExit(channel: Channel, command: string): Promise<number> {
  const exec = await Exec.start(channel, { command, cwd: "/", env: {}, stdin: null, onOutput: async () => {} });
  const exit = await exec.finished;
  await exec.release();
  return exitStatusOf(exit);
}

/** An exit as a shell tells it: 128 + N for signal N. */
export function exitStatusOf(exit: Exit): number {
  if (exit.exit_code !== undefined) return exit.exit_code;
  const number = (constants.signals as Record<string, number>)[`SIG${exit.signal}`];
  return 128 + (number ?? 0);
}
