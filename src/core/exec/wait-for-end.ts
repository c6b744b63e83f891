import { setTimeout as sleep } from "node:timers/promises";

import type { FoundMachine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { EndSignal } from "../../contract/wire.js";
import { type Exec, exitStatusOf } from "../../guest/exec.js";
import type { Exit } from "../../guest/messages.js";
import { JoinedController } from "../../host/joined-controller.js";
import type { Ending } from "./ending.js";

/** The exit code of a command that its time-out ended, in every door. */
export const TIMEOUT_EXIT_CODE = 124;
/** How long the end of a killed command waits for a guest that may be busy, or not able to answer. */
const KILL_GRACE_MS = 5_000;
/** A channel may close before the daemon notices the end of its process: an adopted process is checked twice a second. */
const DEATH_GRACE_MS = 1_500;

/** Waits until a machine answers, at most this long; ends early when the command is killed. */
export async function waitForAnswer(machine: FoundMachine, graceMs: number, killed: AbortSignal): Promise<void> {
  using wait = new JoinedController([killed]);
  machine.ready.catch(() => {}).finally(() => wait.abort());
  await sleep(graceMs, undefined, { signal: wait.signal }).catch(() => {});
}

/** How a command ended. */
interface End {
  readonly by: "itself" | "timeout" | "caller";
  readonly exitCode: number;
  /** As the guest measured it; null when the daemon's own measure counts: a time-out also covers the way to the guest. */
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
  const durationMs = by === "timeout" ? null : exit.duration_ms;
  return { by, exitCode: exitCodeOf(by, exitStatusOf(exit)), durationMs, oomKilled };
}

function exitCodeOf(by: End["by"], exitCode: number): number {
  return by === "timeout" ? TIMEOUT_EXIT_CODE : exitCode;
}
