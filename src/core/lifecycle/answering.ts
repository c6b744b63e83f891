import type { FoundMachine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import { abortable } from "../../host/abortable.js";
import { JoinedController } from "../../host/joined-controller.js";

/** How long the process of a VM may take to answer. */
const PROCESS_MS = 10_000;
/** How long a guest may take to receive what was sent to it. */
const GUEST_MS = 30_000;

/** Throws RESOURCE_EXHAUSTED when the process of a machine does not answer: a change of the task would wait for it. */
export function assertAnswers(
  machine: Pick<FoundMachine, "answers">,
  signal: AbortSignal,
  limitMs = PROCESS_MS,
): Promise<void> {
  return within(limitMs, signal, machine.answers(), "The VM's process did not answer");
}

/** Waits for a guest to receive something. Throws RESOURCE_EXHAUSTED when that takes too long. */
export async function reach(received: Promise<unknown>, signal: AbortSignal): Promise<void> {
  await within(GUEST_MS, signal, received, "The guest did not answer");
}

async function within<T>(limitMs: number, given: AbortSignal, work: Promise<T>, problem: string): Promise<T> {
  using limit = new JoinedController([given], limitMs);
  try {
    return await abortable(work, limit.signal);
  } catch (error) {
    given.throwIfAborted();
    if (!limit.signal.aborted) throw error;
    throw new PyroError("RESOURCE_EXHAUSTED", `${problem} for ${limitMs / 1000} s. Nothing was changed.`, {
      hint: "It may be stopped (SIGSTOP), or the host may be overloaded: try again later. A reset with --force ends the VM.",
      details: { reason: "not_answering", waited_seconds: limitMs / 1000 },
    });
  }
}
