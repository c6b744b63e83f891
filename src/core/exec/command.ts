import { setTimeout as sleep } from "node:timers/promises";

import type { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import type { commandOutcome } from "../../contract/fields.js";
import { limits } from "../../contract/limits.js";
import { parseQuoted } from "../../contract/quote.js";
import type { FoundMachine, Machine } from "../../backend/backend.js";
import { AgentRefusal } from "../../guest/refusal.js";
import { Exec, exitStatusOf, type ExecRequest, type OutputSink } from "../../guest/exec.js";
import type { EndSignal } from "../../contract/wire.js";
import { JoinedController } from "../../host/joined-controller.js";
import type { TerminalSize } from "../../contract/terminal.js";
import type { Call } from "../call.js";
import type { Ending } from "./ending.js";
import type { Exit } from "../../guest/messages.js";
import { makePatient } from "./patient-shell.js";
import { commandUser, explainUser } from "./user.js";
import { buildOutputFields, KeptOutput } from "./kept-output.js";
import { OutputOrder } from "../../store/output-order.js";

export interface CommandRequest {
  readonly command: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Null for root. */
  readonly user?: string | null;
  /** Null for pipes. */
  readonly terminal?: TerminalSize | null;
  /** Null for none. */
  readonly timeoutMs: number | null;
  /** Memory of the machine. */
  readonly memMib: number;
  /** Whether the outcome has both streams in the order of arrival too. */
  readonly interleaved: boolean;
}

type Outcome = z.infer<z.ZodObject<typeof commandOutcome>>;

/** The exit code of a command that its time-out ended, in every door. */
export const TIMEOUT_EXIT_CODE = 124;
const SHELL = "/bin/sh";
/** How long the end of a killed command waits for a guest that may be busy, or not able to answer. */
const KILL_GRACE_MS = 5_000;
/** A channel may close before the daemon notices the end of its process: an adopted process is checked twice a second. */
const DEATH_GRACE_MS = 1_500;

/**
 * Runs one command in a machine: output goes to the caller as it arrives, head and tail into the outcome.
 * A time-out and the caller's cancel end everything that the command has started; both are outcomes, not errors.
 */
export async function runCommand(machine: FoundMachine, request: CommandRequest, call: Call): Promise<Outcome> {
  const order = new OutputOrder();
  const kept = { stdout: new KeptOutput(limits.resultOutputBytes), stderr: new KeptOutput(limits.resultOutputBytes) };
  const started = performance.now();
  let [isStarted, isFirst] = [false, true];
  const markStart = () => {
    if (!isStarted) call.mark("exec");
    isStarted = true;
  };
  const sink: OutputSink = {
    onArrival: (stream, sizeBytes) => order.add(stream, sizeBytes),
    async onOutput(stream, bytes) {
      markStart();
      if (isFirst) call.mark("first byte");
      isFirst = false;
      kept[stream].add(bytes);
      // Do not wait for a caller who has cancelled: the guest must be able to finish.
      if (!call.signal.aborted) await call.emit({ event: stream, data: bytes });
    },
  };
  const { command, cwd, env, user = null, terminal = null, timeoutMs, memMib } = request;
  const starting = machine.ready.then((ready) =>
    startExec(ready, { command, cwd, env, user, terminal, stdin: call.stdin, ...sink }),
  );
  starting.then(markStart, () => {});
  const forget = followSize(starting, terminal, call);
  const ended = await waitForEnd(starting, machine.died, timeoutMs, call).finally(forget);
  call.mark("end");
  const isCutOff = ended.by !== "itself";
  return {
    exit_code: ended.exitCode,
    ...buildOutputFields(
      kept.stdout.render(isCutOff),
      kept.stderr.render(isCutOff),
      request.interleaved ? order : null,
    ),
    duration_ms: ended.durationMs ?? Math.round(performance.now() - started),
    timed_out: ended.by === "timeout",
    aborted: ended.by === "caller",
    oom_killed: ended.oomKilled,
    mem_mib: memMib,
    execution_mode: machine.executionMode,
  };
}

/** Keeps the size of a command's terminal equal to the caller's. Returns a function that stops that. */
function followSize(starting: Promise<Exec>, terminal: TerminalSize | null, call: Call): () => void {
  if (terminal === null) return () => {};
  return call.onResize((size) => void starting.then((exec) => exec.resize(size)).catch(() => {}));
}

/**
 * Starts a command in a machine, as a job of a number of its own. In a guest without a shell, a line that is only words runs as a program
 * and its arguments. Throws INVALID_ARGUMENT when the guest cannot start the command.
 */
export async function startExec(machine: Machine, request: ExecRequest, job?: number): Promise<Exec> {
  const env = { ...machine.network?.env, ...request.env };
  const command = makePatient(request.command);
  const user = commandUser(machine, request.user);
  const start = (more: Partial<ExecRequest> = {}) =>
    Exec.start(machine.channel, { ...request, command, ...more, env, user }, job);
  try {
    return await start().catch((error: unknown) => {
      if (!isShellMissing(error)) throw error;
      const argv = parseQuoted(request.command);
      if (argv === null) throw shellMissing(request.command, error);
      return start({ argv });
    });
  } catch (error) {
    const explained = explainUser(error, user);
    if (!(explained instanceof AgentRefusal)) throw explained;
    throw new PyroError(
      "INVALID_ARGUMENT",
      `The guest could not start the command in ${request.cwd}: ${explained.errno ?? explained.code}.`,
      {
        hint: "Check the command and its working directory.",
        details: { cwd: request.cwd },
        cause: explained,
      },
    );
  }
}

/** Waits until a machine answers, at most this long; ends early when the command is killed. */
export async function waitForAnswer(machine: FoundMachine, graceMs: number, killed: AbortSignal): Promise<void> {
  using wait = new JoinedController([killed]);
  machine.ready.catch(() => {}).finally(() => wait.abort());
  await sleep(graceMs, undefined, { signal: wait.signal }).catch(() => {});
}

function isShellMissing(error: unknown): boolean {
  return error instanceof AgentRefusal && error.errno === "ENOENT" && error.path === SHELL;
}

function shellMissing(command: string, cause: unknown): PyroError {
  return new PyroError("INVALID_ARGUMENT", `The environment has no ${SHELL}, which shell syntax needs.`, {
    hint: "Give a program and its arguments, or use an environment with a shell.",
    details: { command: command.slice(0, 200), missing: SHELL },
    cause,
  });
}

/** How a command ended. */
interface End {
  readonly by: "itself" | "timeout" | "caller";
  readonly exitCode: number;
  readonly durationMs: number | null;
  readonly oomKilled: boolean;
}

/**
 * Waits until a command ends by itself, or ends it: at the time-out, or when the caller cancels. Throws VM_DIED, or the reason why it
 * could not be started. Does not wait for a paused guest: its command is killed when it continues.
 */
export async function waitForEnd(
  starting: Promise<Exec>,
  died: Promise<string>,
  timeoutMs: number | null,
  ending: Ending,
  onKill = () => {},
): Promise<End> {
  const lost = died.then((reason) => {
    throw new PyroError("VM_DIED", `The VM ended while the command ran: ${reason}`);
  });
  lost.catch(() => {});
  const finished = starting
    .then((exec) => exec.finished)
    .catch((error: unknown): Promise<never> => {
      if (PyroError.from(error).code === "VM_DIED") return awaitReason(lost, error);
      throw error;
    });
  let interrupted = Promise.resolve(false);
  const forget = ending.onInterrupt((signal) => (interrupted = end(starting, signal)));
  const deadline = watchDeadline(timeoutMs, ending.signal);
  try {
    const first = await Promise.race([
      finished.then((exit) => ({ what: "ended", exit }) as const),
      deadline.passed.then((by) => ({ what: "passed", by }) as const),
      lost,
    ]);
    if (first.what === "ended") {
      if (!(await interrupted)) return buildEnd("itself", first.exit);
      // The agent has killed the remaining processes, unless it is an older one that knows the process group only.
      void end(starting, "KILL");
      return buildEnd("caller", first.exit);
    }
    onKill();
    void end(starting, "KILL");
    const grace = new Promise<null>((resolve) => setTimeout(resolve, KILL_GRACE_MS, null).unref());
    const exit = await Promise.race([finished.catch(() => null), grace]);
    if (exit === null) return { by: first.by, exitCode: exitCodeOf(first.by, 137), durationMs: null, oomKilled: false };
    // A command that ended before the kill, as may happen while no daemon runs, was not ended by it.
    if (exit.signal === "KILL") return buildEnd(first.by, exit);
    return buildEnd((await interrupted) ? "caller" : "itself", exit);
  } finally {
    forget();
    deadline.stop();
  }
}

/** Sends the signal that ends a command; false when it has ended by itself. */
function end(starting: Promise<Exec>, signal: EndSignal | "KILL"): Promise<boolean> {
  return starting
    .then((exec) => exec.end(signal))
    .then(
      () => true,
      () => false,
    );
}

/** Resolves when a command must be killed: the time-out has passed, or the caller no longer waits. */
function watchDeadline(
  timeoutMs: number | null,
  signal: AbortSignal,
): { passed: Promise<"timeout" | "caller">; stop(): void } {
  let stop = () => {};
  const passed = new Promise<"timeout" | "caller">((resolve) => {
    const timer = timeoutMs === null ? undefined : setTimeout(() => resolve("timeout"), timeoutMs);
    const onAbort = () => resolve("caller");
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    stop = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
  });
  return { passed, stop };
}

/** The reason why the VM ended, or the known error if the reason does not arrive in time. */
async function awaitReason(lost: Promise<never>, known: unknown): Promise<never> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => (timer = setTimeout(reject, DEATH_GRACE_MS, known)));
  return Promise.race([lost, late]).finally(() => clearTimeout(timer));
}

function buildEnd(by: End["by"], exit: Exit): End {
  const oomKilled = exit.oom_killed ?? false;
  return { by, exitCode: exitCodeOf(by, exitStatusOf(exit)), durationMs: exit.duration_ms, oomKilled };
}

function exitCodeOf(by: End["by"], exitCode: number): number {
  return by === "timeout" ? TIMEOUT_EXIT_CODE : exitCode;
}
