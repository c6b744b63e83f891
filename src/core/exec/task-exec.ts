import type { FoundMachine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { ResultOf } from "../../contract/operations.js";
import type { TerminalSize } from "../../contract/terminal.js";
import type { EndSignal } from "../../contract/wire.js";
import { AgentRefusal } from "../../guest/refusal.js";
import { Exec, type ExecRequest, type OutputSink } from "../../guest/exec.js";
import { execDirectoryPath } from "../../store/layout.js";
import type { CarriedExec } from "../../store/snapshot-facts.js";
import { receivedBytes } from "./carried.js";
import { startExec } from "./command.js";
import { SharedEnding } from "./ending.js";
import type { Call } from "../call.js";
import {
  buildOutcome,
  endedError,
  type ExecEnded,
  type ExecHost,
  type ExecStarted,
  isCutOff,
  rethrowUnknownJob,
  stoppedError,
} from "./exec-outcome.js";
import { buildEnded, recordEnd, type ExecEnd } from "./end-record.js";
import { ageMs, remainingMs } from "./exec-time.js";
import { closeLogs, openLogs, sendLogs, sinkOf, type Logs } from "./logs.js";
import { Reconnecting } from "./reconnecting.js";
import { Terminal, type Typing } from "./terminal.js";
import { TIMEOUT_EXIT_CODE, waitForAnswer, waitForEnd } from "./wait-for-end.js";

/** How long an adopted VM may take to report a command whose time-out passed while no daemon ran. */
const ANSWER_GRACE_MS = 5_000;

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
  /** The number of the present run. Reports of an earlier run are about a VM that was stopped. */
  #run = 0;
  /** The job in the guest, once it was requested. */
  #job: Promise<Exec> | null = null;
  #settle = () => {};
  readonly #reconnecting = new Reconnecting();

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

  /** True when its output may end within a character. */
  get isCutOff(): boolean {
    return isCutOff(this.#ended);
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
    { env, user }: Pick<ExecRequest, "env" | "user">,
    stdin: Call["stdin"],
    recorded: Promise<void>,
  ): void {
    const { command, cwd, job, terminal = null } = this.started;
    this.recorded = recorded;
    this.#reconnecting.begin();
    recorded.catch(() => this.kill());
    void this.#watch(machine, 0, async (sink) => {
      const ready = await machine.ready;
      if (!this.isRunning)
        throw new PyroError("ABORTED", "The command was ended before the VM answered. It did not run.");
      const input = this.terminal ?? stdin;
      return startExec(ready, { command, cwd, env, user: user ?? null, terminal, stdin: input, ...sink }, job);
    });
  }

  /** Continues it on an adopted machine, from the end of its log. */
  resume(machine: FoundMachine): void {
    void this.#watch(machine, ANSWER_GRACE_MS, async (sink) => {
      const logs = await this.#openLogs();
      this.#reconnecting.resume(logs);
      const { channel } = await machine.ready;
      const from = receivedBytes(this.started, logs);
      const input = this.terminal ?? undefined;
      return Exec.resume(channel, this.started.job, from, sink, input).catch(rethrowUnknownJob);
    });
  }

  /** Stops watching the job of a VM that is being stopped. The command is still running; `resume` continues it. */
  suspend(): void {
    this.#run += 1;
    this.#job = null;
    this.terminal?.hold();
    this.#reconnecting.giveUp();
  }

  /** Records the end of the command while its VM still runs it: that VM is about to end. */
  async abandon(reason: PyroError): Promise<void> {
    this.suspend();
    await this.giveUp(reason);
  }

  /** Resolves when the guest has the command, or could not start it: then with false. */
  async begun(): Promise<boolean> {
    await this.#openLogs();
    if (this.#job === null) return false;
    return this.#job.then(
      () => true,
      () => false,
    );
  }

  /** The command as a snapshot of this moment has it; null when it has ended. The VM must be paused. */
  carry(): CarriedExec | null {
    if (!this.isRunning) return null;
    const leftMs = remainingMs(this.#host, this.started);
    return {
      started: this.started,
      skipped: receivedBytes(this.started, this.#openedLogs),
      remaining_seconds: leftMs === null ? null : Math.max(1, Math.ceil(leftMs / 1000)),
    };
  }

  /** Kills everything that the command has started; it ends as aborted. */
  kill(): void {
    this.#ending.kill();
  }

  /** Asks the command to end; processes that remain when it has ended are killed. */
  interrupt(signal: EndSignal): void {
    this.#ending.interrupt(signal);
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

  /** Its output, to be read from any offset. */
  output(): Promise<Logs> {
    return this.#openLogs();
  }

  /** Records its end with an error: its outcome can no longer be determined. */
  async giveUp(reason: PyroError): Promise<void> {
    this.#reconnecting.giveUp();
    await this.#end({ exitCode: null, by: "itself", error: reason, durationMs: ageMs(this.started) });
  }

  /** Gives its terminal another size. Does nothing for a command without one, or that has ended. */
  async resize(size: TerminalSize): Promise<void> {
    if (this.terminal === null || !this.isRunning) return;
    this.terminal.size = size;
    await this.#job?.then((exec) => exec.resize(size)).catch(() => {});
  }

  /**
   * Sends its output to a caller, from an offset to its end. A caller who disconnects does not end the command. One who types
   * has the keyboard of its terminal until another takes it: then throws ABORTED.
   */
  async follow(from: { stdout: number; stderr: number }, call: Call, typing: Typing | null): Promise<void> {
    const logs = await this.#openLogs();
    using turn = (typing && this.terminal?.take(call, typing)) ?? null;
    using _ = this.#reconnecting.watch(logs, call, () => this.isRunning && !this.#host.isDetached());
    const sent = sendLogs(logs, from, call);
    this.#reconnecting.giveUp();
    await (turn ? Promise.race([sent, turn.lost]) : sent);
    // A command of a stopped task ends after the task is started again.
    if (!call.signal.aborted || (call.isCancelled() && this.#job !== null)) await this.done;
  }

  /** Its outcome or present state, with the head and the tail of its output. */
  async outcome(interleaved: boolean): Promise<ResultOf<"task.exec">> {
    const exec = { host: this.#host, started: this.started, ended: this.#ended, ageMs: ageMs(this.started) };
    return buildOutcome(exec, await this.#openLogs(), interleaved);
  }

  async #watch(machine: FoundMachine, graceMs: number, begin: (sink: OutputSink) => Promise<Exec>): Promise<void> {
    const run = ++this.#run;
    try {
      const starting = this.#openLogs().then((opened) => begin(sinkOf(opened)));
      this.#job = starting;
      starting.catch(() => {});
      const logs = await this.#openLogs();
      if (graceMs > 0) await waitForAnswer(machine, graceMs, this.#ending.signal);
      const end = await waitForEnd(starting, machine.died, remainingMs(this.#host, this.started), this.#ending, () => {
        logs.stdout.releaseWriter();
        logs.stderr.releaseWriter();
      });
      if (run !== this.#run) return;
      await this.#end({ ...end, durationMs: end.durationMs ?? ageMs(this.started) });
    } catch (error) {
      if (this.#host.isDetached() || run !== this.#run) return;
      // No caller takes its output any more.
      this.#job?.then((exec) => exec.signal("KILL")).catch(() => {});
      await this.giveUp(PyroError.from(error)).catch(() => {});
    } finally {
      if (run === this.#run) this.#settle();
    }
  }

  async #end(end: ExecEnd): Promise<void> {
    const logs = await this.#openLogs();
    const ended = buildEnded(this.started, logs, end);
    this.terminal?.close();
    this.#ended = await recordEnd(this.#host, ended, () => this.#release());
    await closeLogs(logs);
    this.#settle();
  }

  /** Called after the end is on disk: without that, a new daemon that finds no job concludes that the command never ran. */
  #release(): void {
    this.#job?.then((exec) => exec.release()).catch(() => {});
  }

  async #openLogs(): Promise<Logs> {
    const directory = execDirectoryPath(this.#host.directory, this.started.sequence);
    this.#logs ??= openLogs(directory, this.isRunning);
    return (this.#openedLogs = await this.#logs);
  }
}
