import { constants } from "node:os";

import { PyroError } from "../contract/errors.js";
import type { EndSignal } from "../contract/wire.js";
import type { TerminalSize } from "../contract/terminal.js";
import type { Channel } from "./channel.js";
import { costs, LARGE_BYTES } from "./costs.js";
import type { StreamListener } from "./streams.js";
import { buildWindow, parseData, parseEof, parseMail, parseWindow, type Frame } from "./frames.js";
import { channelNumber, exit as exitSchema, followed, frameType, type Exit } from "./messages.js";
import { outOfOrder, parseJson } from "./payload.js";
import { Receiver } from "./receiver.js";
import { StdinSender } from "./stdin-sender.js";

/** Receives the output of a command. */
export interface OutputSink {
  /** Takes output in order, per stream. While it is pending, the guest's stream waits. */
  readonly onOutput: (stream: "stdout" | "stderr", bytes: Buffer) => Promise<void>;
  /** Called at once for each piece, in the order in which the guest has sent those of both streams. */
  readonly onArrival?: (stream: "stdout" | "stderr", sizeBytes: number) => void;
}

export interface ExecRequest extends OutputSink {
  /** One line for the guest's /bin/sh -c. */
  readonly command: string;
  /** A program and its arguments, in place of the line. */
  readonly argv?: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The command's standard input; null for /dev/null. */
  readonly stdin: AsyncIterable<Uint8Array> | null;
  /** The user of the guest whose rights it has; null for root. */
  readonly user?: string | null;
  /** Its terminal; null for pipes. */
  readonly terminal?: TerminalSize | null;
}

/** How much of each stream the host holds already. */
export interface Offsets {
  readonly stdout: number;
  readonly stderr: number;
}

/** A command that runs in a guest: output flows to its sink until it ends. */
export class Exec {
  readonly job: number;
  /** Resolves when the command has ended and all its output was taken; rejects when the guest is lost. */
  readonly finished: Promise<Exit>;
  readonly #channel: Channel;
  readonly #sink: OutputSink;
  readonly #stdout: Receiver;
  readonly #stderr: Receiver;
  readonly #stdin: StdinSender;
  #exit: Exit | null = null;
  #settle!: { resolve: (exit: Exit) => void; reject: (error: Error) => void };

  private constructor(channel: Channel, job: number, sink: OutputSink, from: Offsets, stdinStart: number | null) {
    this.#channel = channel;
    this.#sink = sink;
    this.job = job;
    this.finished = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    this.finished.catch(() => {});
    const receiver = (name: "stdout" | "stderr") =>
      new Receiver({
        from: from[name],
        mailbox: channel.twoWayMailbox,
        deliver: (bytes) => sink.onOutput(name, bytes),
        spend: (sizeBytes) => channel.spend(sizeBytes < LARGE_BYTES ? costs.logging : costs.loggingLarge),
        grant: async (acked, limit) => {
          await channel.drained();
          this.#grant(channelNumber[name], acked, limit);
        },
        onFailed: (error) => this.#fail(PyroError.from(error)),
      });
    this.#stdout = receiver("stdout");
    this.#stderr = receiver("stderr");
    this.#stdin = new StdinSender(channel, job, stdinStart, {
      mailbox: channel.twoWayMailbox,
      onFailed: (error) => this.#fail(PyroError.from(error)),
    });
  }

  /**
   * Starts a command as a job of an unused number. Throws the agent's refusal, or the reason why the channel has closed. Waits for a
   * paused guest, since the command will run when the guest continues. A caller that cannot wait kills it then.
   */
  static async start(channel: Channel, request: ExecRequest, job = channel.takeStream()): Promise<Exec> {
    const exec = new Exec(channel, job, request, { stdout: 0, stderr: 0 }, 0);
    const { command, argv, cwd, env, stdin, terminal, user } = request;
    const fields = {
      ...(argv ? { argv } : { command }),
      ...{ cwd, env, stdin: stdin !== null },
      ...(terminal && { tty: true, ...terminal }),
      ...(user && { user }),
      ...(stdin !== null && channel.twoWayMailbox && { mail: true }),
    };
    const started = channel.request("start", fields, { stream: job, successor: exec.#listener(), timeoutMs: null });
    started.catch(() => {});
    exec.#grantAll();
    await started;
    if (stdin !== null) exec.#stdin.send(stdin, 0);
    return exec;
  }

  /**
   * Finds a job of an earlier session again, and continues after the output that the host holds already. Its standard input is at its
   * end, unless a source for it is given. Throws the agent's refusal (NO_SUCH_JOB), or the reason why the channel has closed.
   */
  static async resume(
    channel: Channel,
    job: number,
    from: Offsets,
    sink: OutputSink,
    stdin: AsyncIterable<Uint8Array> = nothing(),
  ): Promise<Exec> {
    const exec = new Exec(channel, job, sink, from, null);
    channel.listen(job, exec.#listener());
    try {
      const state = await channel.ask("follow", { job, ...(channel.twoWayMailbox && { mail: true }) }, followed, {
        timeoutMs: null,
      });
      exec.#grantAll();
      if (state.state === "running") exec.#stdin.send(stdin, state.stdin_acked);
      return exec;
    } catch (error) {
      channel.unlisten(job);
      throw error;
    }
  }

  /** Sends a signal to the command's process group; KILL reaches everything that it has started. Throws when it has ended. */
  async signal(name: string): Promise<void> {
    if (name === "KILL") return this.end(name);
    await this.#channel.request("signal", { job: this.job, signal: name, group: true });
  }

  /**
   * Asks the command to end. KILL kills everything that it has started. After another signal, the agent kills the rest when
   * the command has ended. Throws when it has ended by itself.
   */
  async end(signal: EndSignal | "KILL"): Promise<void> {
    await this.#channel.request("signal", { job: this.job, signal, group: true, all: true });
  }

  /** Gives its terminal another size. Throws when it has none. */
  async resize({ rows, cols }: TerminalSize): Promise<void> {
    await this.#channel.request("resize", { job: this.job, rows, cols });
  }

  /** Lets the agent forget the job; one that still runs is killed. */
  async release(): Promise<void> {
    this.#channel.unlisten(this.job);
    this.#stdin.stop();
    await this.#channel.request("release", { job: this.job });
    this.#stdin.forget();
  }

  #listener(): StreamListener {
    return { onFrame: (frame) => this.#receive(frame), onClosed: (reason) => this.#fail(reason) };
  }

  #grantAll(): void {
    for (const name of ["stdout", "stderr"] as const) {
      const receiver = name === "stdout" ? this.#stdout : this.#stderr;
      this.#grant(channelNumber[name], receiver.received, receiver.limitFrom(receiver.received));
    }
  }

  #receive(frame: Frame): void {
    if (frame.type === frameType.data) {
      const data = parseData(frame.payload);
      this.#output(data.channel).take(data);
      this.#notice(data.channel, data.bytes.length);
    } else if (frame.type === frameType.mail) {
      const mail = parseMail(frame.payload);
      this.#output(mail.channel).takeMail(mail);
      this.#notice(mail.channel, mail.length);
    } else if (frame.type === frameType.eof) {
      const { channel, offset } = parseEof(frame.payload);
      this.#output(channel).takeEof(offset);
    } else if (frame.type === frameType.window) this.#stdin.open(parseWindow(frame.payload));
    else if (frame.type === frameType.exit && this.#exit === null) {
      this.#exit = parseJson(frame, exitSchema);
      this.#stdout.endAt(this.#exit.stdout_bytes);
      this.#stderr.endAt(this.#exit.stderr_bytes);
      this.#stdin.stop();
    } else throw outOfOrder(frame);
    if (this.#exit !== null && this.#stdout.isWhole && this.#stderr.isWhole) void this.#finish(this.#exit);
  }

  #notice(channel: number, sizeBytes: number): void {
    this.#sink.onArrival?.(channel === channelNumber.stdout ? "stdout" : "stderr", sizeBytes);
  }

  #output(channel: number): Receiver {
    if (channel === channelNumber.stdout) return this.#stdout;
    if (channel === channelNumber.stderr) return this.#stderr;
    throw new PyroError(
      "AGENT_PROTOCOL",
      `The guest sent output on channel ${channel}, which is not an output channel.`,
    );
  }

  async #finish(exit: Exit): Promise<void> {
    await Promise.all([this.#stdout.flushed(), this.#stderr.flushed()]);
    this.#settle.resolve(exit);
  }

  #fail(error: Error): void {
    this.#channel.unlisten(this.job);
    this.#stdout.stop();
    this.#stderr.stop();
    this.#stdin.stop();
    this.#settle.reject(error);
  }

  #grant(channel: number, acked: number, limit: number): void {
    const payload = buildWindow({ channel, acked, limit });
    this.#channel.send(frameType.window, this.job, payload);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** An exit code as in a shell: 128 + N for signal N. */
export function exitStatusOf(exit: Exit): number {
  if (exit.exit_code !== undefined) return exit.exit_code;
  const number = (constants.signals as Record<string, number>)[`SIG${exit.signal}`];
  return 128 + (number ?? 0);
}
