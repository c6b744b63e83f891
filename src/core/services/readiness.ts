import { setTimeout as sleep } from "node:timers/promises";

import type { FoundMachine } from "../../backend/backend.js";
import { follow } from "../../store/follow.js";
import type { OutputLog } from "../../store/output-log.js";
import type { TaskExec } from "../exec/task-exec.js";
import { parseCondition } from "./condition.js";
import { probe, type ProbeContext, type ProbedCondition } from "./probe.js";

/** Interval between checks of a condition: shorter in the beginning. */
const PROBE_EVERY_MS = { first: 100, most: 1_000 };

/** A command that should become ready. */
export interface ReadinessOptions {
  /** Null for a command that is ready once it was started. */
  readonly ready: string | null;
  readonly exec: TaskExec;
  /** Null while the VM does not answer. */
  readonly machine: () => FoundMachine | null;
  readonly context: ProbeContext;
}

/** Resolves with true when the command is ready, with false when the signal was aborted before, or the guest could not start it. */
export async function waitUntilReady(options: ReadinessOptions, signal: AbortSignal): Promise<boolean> {
  const { ready, exec } = options;
  if (!(await exec.begun())) return false;
  if (ready === null) return !signal.aborted;
  const condition = parseCondition(ready);
  if (condition.kind === "log") return waitForText(exec, condition.text, signal);
  return waitForProbe(condition, options, signal);
}

async function waitForProbe(
  condition: ProbedCondition,
  { machine, context }: ReadinessOptions,
  signal: AbortSignal,
): Promise<boolean> {
  let delayMs = PROBE_EVERY_MS.first;
  while (!signal.aborted) {
    const found = machine();
    const isReady =
      found?.ready.then((reached) => probe(reached, condition, context, signal)) ?? Promise.resolve(false);
    const aborted = new Promise<false>((resolve) =>
      signal.addEventListener("abort", () => resolve(false), { once: true }),
    );
    if (await Promise.race([isReady.catch(() => false), aborted])) return true;
    await sleep(delayMs, undefined, { signal }).catch(() => {});
    delayMs = Math.min(PROBE_EVERY_MS.most, delayMs * 1.5);
  }
  return false;
}

/** Resolves to true when one of the streams contains the text, to false when neither can contain it any longer. */
async function waitForText(exec: TaskExec, text: string, signal: AbortSignal): Promise<boolean> {
  const { stdout, stderr } = await exec.output();
  const found = await Promise.race([
    hasText(stdout, text, signal).then((has) => has || hasText(stderr, text, signal)),
    hasText(stderr, text, signal).then((has) => has || hasText(stdout, text, signal)),
  ]);
  return found && !signal.aborted;
}

async function hasText(log: OutputLog, text: string, signal: AbortSignal): Promise<boolean> {
  const wanted = Buffer.from(text);
  let seen: Buffer = Buffer.alloc(0);
  for await (const { bytes } of follow(log, { from: 0, signal })) {
    seen = Buffer.concat([seen, bytes]);
    if (seen.includes(wanted)) return true;
    seen = Buffer.from(seen.subarray(Math.max(0, seen.length - wanted.length + 1)));
  }
  return false;
}
