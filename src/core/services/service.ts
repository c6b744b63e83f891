import type { FoundMachine } from "../../backend/backend.js";
import { PyroError, reasonOf } from "../../contract/errors.js";
import { JoinedController } from "../../host/joined-controller.js";
import type { Log } from "../../host/log.js";
import { Waiting } from "../../host/waiting.js";
import type { ServiceRecord } from "../../store/service-record.js";
import type { Call } from "../call.js";
import type { ExecEnded } from "../exec/exec-outcome.js";
import { ageMs } from "../exec/exec-time.js";
import type { TaskExec } from "../exec/task-exec.js";
import { waitUntilReady } from "./readiness.js";

/** Delays before restarts: doubled by each early failure in a row. */
const BACK_OFF_MS = { first: 200, most: 30_000 };
/** A command that ran longer than this did not fail early. */
const EARLY_MS = 10_000;
/** After this many early failures in a row the service is not started again. */
const EARLY_FAILURES_MAX = 10;
/** How long a service that was not ready in time may take to end. */
const UNREADY_GRACE_MS = 5_000;
/** The least time that an adopted command gets to become ready. */
const ADOPTED_READY_MS = 2_000;

/** The parts of its task that a service uses. */
export interface ServiceHost {
  readonly taskId: string;
  readonly log: Log;
  /** Its commands so far, the latest last. */
  runs(record: ServiceRecord): TaskExec[];
  /** Starts its command. Without a caller, null when the task is not started. */
  run(record: ServiceRecord, call: Call | null): Promise<TaskExec | null>;
  machine(): FoundMachine | null;
  /** The variables of all commands of the task. */
  env(): Readonly<Record<string, string>>;
  /** The user of the task's commands; null for root. */
  user(): string | null;
  isDetached(): boolean;
  stoppedMs(since: string): number;
  /** Writes the records of all services. */
  save(): Promise<void>;
  /** Closes the ports that it has published. */
  closePorts(record: ServiceRecord): Promise<void>;
}

/** A service of a task: one command after the other, watched until the service has ended. */
export class Service {
  readonly #host: ServiceHost;
  readonly #waiting = new Waiting();
  #record: ServiceRecord;
  #version = 0;
  /** The command that is watched. */
  #exec: TaskExec | null = null;
  #readiness: AbortController | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(host: ServiceHost, record: ServiceRecord) {
    this.#host = host;
    this.#record = record;
  }

  get record(): ServiceRecord {
    return this.#record;
  }

  /** True while its command runs, or will be started again. */
  get isLive(): boolean {
    return ["starting", "ready", "waiting"].includes(this.#record.state);
  }

  get isSettled(): boolean {
    return !["starting", "waiting"].includes(this.#record.state);
  }

  get runs(): TaskExec[] {
    return this.#host.runs(this.#record);
  }

  /** Starts its first command. Throws as the start of any command does. */
  async launch(call: Call): Promise<void> {
    const exec = await this.#host.run(this.#record, call);
    if (exec === null) throw new PyroError("FAILED_PRECONDITION", `Task ${this.#host.taskId} is not started.`);
    await exec.recorded;
    this.#watch(exec);
  }

  /** Continues after a start of its task, or of the daemon. */
  resume(): void {
    const last = this.runs.at(-1);
    if (!this.isLive) last?.kill();
    else if (last === undefined) void this.#restart();
    else if (last.isRunning) this.#watch(last);
    else if (this.#record.state === "waiting") this.#restartLater();
    else {
      this.#exec = last;
      void this.#end(last);
    }
  }

  /** Called when its task is stopped, or the daemon detaches. */
  suspend(): void {
    this.#exec = null;
    clearTimeout(this.#timer);
    this.#readiness?.abort();
    this.#waiting.wake();
  }

  /** Resolves when its state changes from now on, or the signal is aborted. */
  changed(signal: AbortSignal): Promise<void> {
    const seen = this.#version;
    return this.#waiting.until(() => this.#version !== seen, signal);
  }

  /** Resolves when it is ready or has ended, after a time, or when the signal is aborted or its task is stopped. */
  async settled(timeoutMs: number | undefined, signal: AbortSignal): Promise<void> {
    using wait = new JoinedController([signal], timeoutMs);
    await this.#waiting.until(() => this.isSettled || this.#exec === null, wait.signal);
  }

  /** Ends it: TERM, and KILL after the grace. */
  async stop(graceMs: number): Promise<void> {
    if (this.isLive) await this.#finish({ state: "stopped", reason: null });
    const last = this.runs.at(-1);
    if (last?.isRunning) await endExec(last, graceMs);
  }

  #watch(exec: TaskExec): void {
    this.#exec = exec;
    void exec.done.then(() => this.#end(exec));
    if (this.#record.state !== "ready") void this.#awaitReady(exec);
  }

  async #awaitReady(exec: TaskExec): Promise<void> {
    const { ready, ready_timeout_seconds: seconds, cwd, env } = this.#record;
    const leftMs = seconds * 1000 - ageMs(exec.started) + this.#host.stoppedMs(exec.started.started_at);
    using readiness = new JoinedController([], Math.max(ADOPTED_READY_MS, leftMs));
    this.#readiness = readiness;
    const context = { cwd, env: { ...this.#host.env(), ...env }, user: this.#host.user() };
    const options = { ready, exec, machine: () => this.#host.machine(), context };
    const isReady = await waitUntilReady(options, readiness.signal).catch(() => false);
    if (exec !== this.#exec || !exec.isRunning || !this.isLive) return;
    if (isReady) return this.#change({ state: "ready", reason: null, ready_at: new Date().toISOString() });
    // A command that has ended, or never began, reports that by its end.
    if ((readiness.signal.reason as Error | undefined)?.name !== "TimeoutError") return;
    await this.#finish({ state: "failed", reason: `it was not ready within ${seconds} s` });
    await endExec(exec, UNREADY_GRACE_MS);
  }

  async #end(exec: TaskExec): Promise<void> {
    const { ended } = exec;
    if (exec !== this.#exec || ended === null || this.#host.isDetached() || !this.isLive) return;
    this.#readiness?.abort();
    if (ended.exit_code === 0) return this.#finish({ state: "ended", reason: null });
    const reason = explainEnd(ended);
    const failures = ended.duration_ms < EARLY_MS ? this.#record.early_failures + 1 : 1;
    const mayRestart = this.#record.restart === "on-failure" && ended.error === null && failures <= EARLY_FAILURES_MAX;
    if (!mayRestart) return this.#finish({ state: "failed", reason });
    await this.#change({ state: "waiting", reason, ready_at: null, early_failures: failures });
    this.#restartLater();
  }

  #restartLater(): void {
    clearTimeout(this.#timer);
    const delayMs = BACK_OFF_MS.first * 2 ** Math.max(0, this.#record.early_failures - 1);
    this.#timer = setTimeout(() => void this.#restart(), Math.min(BACK_OFF_MS.most, delayMs)).unref();
  }

  async #restart(): Promise<void> {
    if (!this.isLive || this.#host.isDetached()) return;
    try {
      const exec = await this.#host.run(this.#record, null);
      // Its task is stopped: `resume` follows.
      if (exec === null) return;
      // The next daemon finds its command.
      if (this.#host.isDetached()) return;
      if (!this.isLive) return await endExec(exec, 0);
      this.#exec = exec;
      await this.#change({ state: "starting", restart_count: this.#record.restart_count + 1 });
      if (this.isLive) this.#watch(exec);
      else await endExec(exec, 0);
    } catch (error) {
      if (!this.isLive || this.#host.isDetached()) return;
      await this.#finish({ state: "failed", reason: reasonOf(error) });
    }
  }

  /** The service has ended. */
  async #finish(change: Pick<ServiceRecord, "state" | "reason">): Promise<void> {
    clearTimeout(this.#timer);
    this.#readiness?.abort();
    if (change.state === "failed") {
      this.#host.log.warn({ task: this.#host.taskId, service: this.#record.name, ...change }, "a service failed");
    }
    await this.#change(change);
    await this.#host.closePorts(this.#record);
  }

  async #change(change: Partial<ServiceRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    await this.#host.save().catch((error: unknown) => {
      this.#host.log.error({ task: this.#host.taskId, err: error }, "the record of a service was not written");
    });
    this.#version += 1;
    this.#waiting.wake();
  }
}

async function endExec(exec: TaskExec, graceMs: number): Promise<void> {
  exec.interrupt("TERM");
  const timer = setTimeout(() => exec.kill(), graceMs);
  await exec.done;
  clearTimeout(timer);
}

/** How a command failed, in a few words. */
function explainEnd({ exit_code, error, oom_killed }: ExecEnded): string {
  if (error !== null) return error.message.replace(/\.$/, "");
  return `its command ended with exit status ${exit_code}${oom_killed === true ? ": the memory of the VM ran out" : ""}`;
}

/** The state that callers see. */
export function shownState({ isLive, record }: Service, isTaskStarted: boolean): ServiceRecord["state"] | "suspended" {
  return isLive && !isTaskStarted ? "suspended" : record.state;
}
