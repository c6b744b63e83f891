import { setTimeout as sleep } from "node:timers/promises";

import type { FoundMachine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { ResultOf } from "../../contract/operations.js";
import type { TerminalSize } from "../../contract/terminal.js";
import { AgentRefusal } from "../../guest/refusal.js";
import { Exec, type OutputSink } from "../../guest/exec.js";
import { JoinedController } from "../../host/joined-controller.js";
import { follow } from "../../store/follow.js";
import { execDirectoryPath } from "../../store/layout.js";
import type { OutputLog } from "../../store/output-log.js";
import type { CarriedExec } from "../../store/snapshot-facts.js";
import { startExec, TIMEOUT_EXIT_CODE, waitForEnd } from "./command.js";
import { SharedEnding } from "./ending.js";
import type { Call } from "../call.js";
import {
  buildOutcome,
  endedError,
  type ExecEnded,
  type ExecHost,
  type ExecStarted,
  stoppedError,
} from "./exec-outcome.js";
import { Terminal } from "./terminal.js";
import { closeLogs, openLogs, sinkOf, type Logs } from "./logs.js";

/** How long a command is held back for a client that reconnects after a daemon restart. */
const RETURN_GRACE_MS = 15_000;
/** How long an adopted VM may take to report a command whose time-out passed while no daemon ran. */
const ANSWER_GRACE_MS = 5_000;
/** How often the writing of an end is tried that found the disk full. */
const RECORD_AGAIN_MS = 1_000;

/** How a caller types into a terminal. */
export interface Typing {
  /** The end of its standard input is the terminal's. */
  readonly endsInput: boolean;
}

/** One command of a task: a job in the guest with a log on disk, found again by its number. */
export class TaskExec {
  readonly started: ExecStarted;
  /** Null for a command without one. */
  readonly terminal: Terminal | null;
  /** Resolves when its end is on disk, or when the daemon detaches from it. */
  readonly done: Promise<void>;
  /** Resolves when its start survives a power loss; only then its caller may learn its number. */
  recorded: Promise<void> = Promise.resolve();
  readonly #host: ExecHost;
  readonly #ending = new SharedEnding();
  #ended: ExecEnded | null;
  #logs: Promise<Logs> | null = null;
  #openedLogs: Logs | null = null;
  /** The number of the present run; reports of an earlier one are of a VM that was put away. */
  #run = 0;
  /** The job in the guest, once it was requested. */
  #job: Promise<Exec> | null = null;
  #settle = () => {};
  /** Frees the place that is kept for a client to come back to. */
  #giveUpPlace = () => {};

  constructor(host: ExecHost, started: ExecStarted, ended: ExecEnded | null) {
    this.#host = host;
    this.started = started;
    this.terminal = started.terminal ? new Terminal(started.terminal) : null;
    this.done = ended ? Promise.resolve() : new Promise((resolve) => (this.#settle = resolve));
    this.#ended = ended?.timed_out ? { ...ended, exit_code: TIMEOUT_EXIT_CODE } : ended;
  }

  get isRunning(): boolean {
    return this.#ended === null;
  }

  /** True unless the command has ended by itself: its output may end within a character. */
  get isCutOff(): boolean {
    const ended = this.#ended;
    return ended === null || ended.timed_out || ended.aborted || ended.error !== null;
  }

  get ended(): ExecEnded | null {
    return this.#ended;
  }

  /**
   * Starts it on a machine. Its output goes to its log and is acknowledged afterwards. The command is killed when its start
   * cannot be recorded.
   */
  start(
    machine: FoundMachine,
    env: Readonly<Record<string, string>>,
    stdin: Call["stdin"],
    recorded: Promise<void>,
  ): void {
    const { command, cwd, job, terminal = null } = this.started;
    this.recorded = recorded;
    recorded.catch(() => this.kill());
    void this.#watch(machine, 0, async (sink) => {
      const ready = await machine.ready;
      if (!this.isRunning)
        throw new PyroError("ABORTED", "The command was ended before the VM answered. It did not run.");
      const input = this.terminal ?? stdin;
      return startExec(ready, { command, cwd, env, terminal, stdin: input, ...sink }, job);
    });
  }

  /** Continues it on an adopted machine, from the end of its log. */
  resume(machine: FoundMachine): void {
    void this.#watch(machine, ANSWER_GRACE_MS, async (sink) => {
      const { stdout, stderr } = await this.#openLogs();
      this.#keepPlace(stdout, stderr);
      const { channel } = await machine.ready;
      const from = this.#received({ stdout, stderr });
      const input = this.terminal ?? undefined;
      return Exec.resume(channel, this.started.job, from, sink, input).catch((error: unknown) => {
        if (!(error instanceof AgentRefusal)) throw error;
        throw new PyroError(
          "DAEMON_UNREACHABLE",
          "The daemon died before the guest received the command. It did not run.",
        );
      });
    });
  }

  /** Stops watching the job, whose VM is put away. The command is still running; `resume` continues it. */
  suspend(): void {
    this.#run += 1;
    this.#job = null;
    this.#giveUpPlace();
  }

  /** Ends it on paper while its VM still has it: that VM is about to end. */
  async abandon(reason: PyroError): Promise<void> {
    this.suspend();
    await this.giveUp(reason);
  }

  /** Resolves when the guest has the command, or could not start it. */
  async begun(): Promise<void> {
    await this.#openLogs();
    await this.#job?.catch(() => {});
  }

  /** The command as a snapshot of this moment has it; null when it has ended. The VM must stand still. */
  carry(): CarriedExec | null {
    if (!this.isRunning) return null;
    const remainingMs = this.#remainingMs();
    return {
      started: this.started,
      skipped: this.#received(this.#openedLogs),
      remaining_seconds: remainingMs === null ? null : Math.max(1, Math.ceil(remainingMs / 1000)),
    };
  }

  /** Kills everything that the command has started; it ends as aborted. */
  kill(): void {
    this.#ending.kill();
  }

  /** Sends a signal to the command's process group, or KILL to everything that it has started. Throws FAILED_PRECONDITION when it has ended. */
  async signal(name: string): Promise<void> {
    try {
      if (!this.isRunning) throw endedError(this.#host, this.started, this.#ended);
      if (this.#job === null) throw stoppedError(this.#host, this.started);
      await (await this.#job).signal(name);
    } catch (error) {
      throw error instanceof AgentRefusal ? endedError(this.#host, this.started, this.#ended) : error;
    }
  }

  /** Its output, to be read from any place. */
  output(): Promise<Logs> {
    return this.#openLogs();
  }

  /** Records its end with an error: its outcome can no longer be determined. */
  async giveUp(reason: PyroError): Promise<void> {
    this.#giveUpPlace();
    await this.#end({ exit_code: null, timed_out: false, aborted: false, error: reason, durationMs: this.#ageMs() });
  }

  /** Gives its terminal another size. Does nothing for a command without one, or that has ended. */
  async resize(size: TerminalSize): Promise<void> {
    if (this.terminal === null || !this.isRunning) return;
    this.terminal.size = size;
    await this.#job?.then((exec) => exec.resize(size)).catch(() => {});
  }

  /**
   * Sends its output to a caller, from an offset to its end. A caller who cancels ends the command; one who disconnects does not. One who types
   * has the keyboard of its terminal until another takes it: then throws ABORTED.
   */
  async follow(from: { stdout: number; stderr: number }, call: Call, typing: Typing | null): Promise<void> {
    const logs = await this.#openLogs();
    using turn = (typing && this.terminal?.take(call, typing)) ?? null;
    const forgetSize = call.onResize((size) => void this.resize(size));
    const { signal } = call;
    const onAbort = () => {
      if (call.isCancelled()) this.kill();
    };
    const forget = call.onInterrupt((endSignal) => this.#ending.interrupt(endSignal));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort);
    try {
      const sent = Promise.all([
        sendOutput("stdout", logs.stdout, from.stdout, call),
        sendOutput("stderr", logs.stderr, from.stderr, call),
      ]);
      this.#giveUpPlace();
      await (turn ? Promise.race([sent, turn.lost]) : sent);
      // The command of a stopped task ends when that is started again.
      if (!signal.aborted || (call.isCancelled() && this.#job !== null)) await this.done;
    } finally {
      forgetSize();
      forget();
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Its outcome or present state, with the head and the tail of its output. */
  async outcome(interleaved: boolean): Promise<ResultOf<"task.exec">> {
    const { started, isCutOff } = this;
    const exec = { host: this.#host, started, ended: this.#ended, ageMs: this.#ageMs(), isCutOff };
    return buildOutcome(exec, await this.#openLogs(), interleaved);
  }

  async #watch(machine: FoundMachine, graceMs: number, begin: (sink: OutputSink) => Promise<Exec>): Promise<void> {
    const run = ++this.#run;
    try {
      const starting = this.#openLogs().then((opened) => begin(sinkOf(opened)));
      this.#job = starting;
      starting.catch(() => {});
      const logs = await this.#openLogs();
      if (graceMs > 0) await this.#mayAnswer(machine, graceMs);
      const end = await waitForEnd(starting, machine.died, this.#remainingMs(), this.#ending, () => {
        logs.stdout.releaseWriter();
        logs.stderr.releaseWriter();
      });
      if (run !== this.#run) return;
      await this.#end({
        exit_code: end.exitCode,
        timed_out: end.by === "timeout",
        aborted: end.by === "caller",
        oom_killed: end.oomKilled,
        error: null,
        durationMs: end.durationMs ?? this.#ageMs(),
      });
    } catch (error) {
      if (this.#host.isDetached() || run !== this.#run) return;
      // No caller takes its output any more.
      this.#job?.then((exec) => exec.signal("KILL")).catch(() => {});
      await this.giveUp(PyroError.from(error)).catch(() => {});
    } finally {
      if (run === this.#run) this.#settle();
    }
  }

  async #end(end: {
    exit_code: number | null;
    timed_out: boolean;
    aborted: boolean;
    oom_killed?: boolean;
    error: PyroError | null;
    durationMs: number;
  }): Promise<void> {
    const logs = await this.#openLogs();
    const ended: ExecEnded = {
      event: "exec.ended",
      sequence: this.started.sequence,
      exit_code: end.exit_code,
      duration_ms: end.durationMs,
      timed_out: end.timed_out,
      aborted: end.aborted,
      oom_killed: end.oom_killed ?? false,
      error: end.error && { code: end.error.code, message: end.error.message },
      stdout_bytes: logs.stdout.totalBytes,
      stderr_bytes: logs.stderr.totalBytes,
      ended_at: new Date().toISOString(),
    };
    this.terminal?.close();
    this.#ended = await this.#record(ended);
    await closeLogs(logs);
    this.#settle();
  }

  /** Records the end and lets the agent release the job. If it cannot be recorded, the outcome has the error, and the record is written as soon as possible. */
  async #record(ended: ExecEnded): Promise<ExecEnded> {
    try {
      await this.#host.recordEnd(ended);
      this.#release();
      return ended;
    } catch (thrown) {
      if (this.#host.isDetached()) throw thrown;
      const { code, message } = PyroError.from(thrown);
      const told = { ...ended, error: ended.error ?? { code, message } };
      void this.#recordLater(told);
      return told;
    }
  }

  async #recordLater(ended: ExecEnded): Promise<void> {
    for (;;) {
      await sleep(RECORD_AGAIN_MS, undefined, { ref: false });
      if (this.#host.isDetached()) return;
      const isWritten = await this.#host.recordEnd(ended).then(
        () => true,
        () => false,
      );
      if (isWritten) return this.#release();
    }
  }

  /** Not before the end is on disk: a new daemon that finds no job takes it for one that never ran. */
  #release(): void {
    this.#job?.then((exec) => exec.release()).catch(() => {});
  }

  /** Waits until a machine answers, at most this long; ends early when the command is cancelled. */
  async #mayAnswer(machine: FoundMachine, graceMs: number): Promise<void> {
    using wait = new JoinedController([this.#ending.signal]);
    machine.ready.catch(() => {}).finally(() => wait.abort());
    await sleep(graceMs, undefined, { signal: wait.signal }).catch(() => {});
  }

  #keepPlace(stdout: OutputLog, stderr: OutputLog): void {
    const places = [stdout.keepPlace(), stderr.keepPlace()];
    const timer = setTimeout(() => this.#giveUpPlace(), RETURN_GRACE_MS).unref();
    this.#giveUpPlace = () => {
      clearTimeout(timer);
      for (const place of places) place.leave();
    };
  }

  async #openLogs(): Promise<Logs> {
    const directory = execDirectoryPath(this.#host.directory, this.started.sequence);
    this.#logs ??= openLogs(directory, this.isRunning);
    return (this.#openedLogs = await this.#logs);
  }

  /** Offsets in the streams of the guest up to which the logs have everything. */
  #received(logs: Pick<Logs, "stdout" | "stderr"> | null): CarriedExec["skipped"] {
    const { stdout, stderr } = this.started.skipped ?? { stdout: 0, stderr: 0 };
    return { stdout: stdout + (logs?.stdout.totalBytes ?? 0), stderr: stderr + (logs?.stderr.totalBytes ?? 0) };
  }

  /** Null for a command without a time-out. The time in which its task was stopped does not count. */
  #remainingMs(): number | null {
    const { timeout_seconds: seconds, started_at } = this.started;
    return seconds === null ? null : Math.max(0, seconds * 1000 - this.#ageMs() + this.#host.stoppedMs(started_at));
  }

  #ageMs(): number {
    return Math.max(0, Date.now() - Date.parse(this.started.started_at));
  }
}

async function sendOutput(stream: "stdout" | "stderr", log: OutputLog, from: number, call: Call): Promise<void> {
  let expected = from;
  for await (const { offset, bytes } of follow(log, { from, signal: call.signal, blocking: true })) {
    if (offset > expected) await call.emit({ event: "gap", stream, bytes: offset - expected });
    await call.emit({ event: stream, data: bytes });
    expected = offset + bytes.length;
  }
}
