import { PyroError } from "../contract/errors.js";
import { deferred } from "./deferred.js";
import type { Frame } from "./frames.js";
import { frameType, hello as helloSchema, PROTOCOL_VERSION, type Hello } from "./messages.js";
import { outOfOrder, parseJson } from "./payload.js";

/** Time until the next sync record, since a booting agent may miss the first. It grows. */
const SYNC_AGAIN_MS = 1_000;
const SYNC_AGAIN_MOST_MS = 5_000;

/** The start of a session: sync records to the agent until it answers with its hello. */
export class Handshake {
  readonly #hello = deferred<Hello>();

  /**
   * Waits for the hello, until the deadline or without one. `sync` sends a record; it returns false when no further one is needed.
   * Throws VM_START_FAILED after the deadline.
   */
  async perform(sync: () => boolean, deadlineMs: number | null, signal?: AbortSignal): Promise<Hello> {
    const onAbort = () => this.fail(new PyroError("ABORTED", "The call was cancelled."));
    signal?.addEventListener("abort", onAbort, { once: true });
    const giveUp = () =>
      this.fail(new PyroError("VM_START_FAILED", `The guest's agent was not ready within ${deadlineMs} ms.`));
    const deadline = deadlineMs === null ? undefined : setTimeout(giveUp, deadlineMs);
    let wait = SYNC_AGAIN_MS;
    let again: NodeJS.Timeout | undefined;
    const repeat = () => {
      if (!sync()) return;
      again = setTimeout(repeat, wait);
      wait = Math.min(2 * wait, SYNC_AGAIN_MOST_MS);
    };
    repeat();
    try {
      return await this.#hello.promise;
    } finally {
      clearTimeout(deadline);
      clearTimeout(again);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Takes the first frame of the session. Throws AGENT_PROTOCOL when it is not a hello of this version. */
  accept(frame: Frame): Hello {
    if (frame.type !== frameType.hello || frame.stream !== 0) throw outOfOrder(frame);
    const hello = parseJson(frame, helloSchema);
    if (hello.protocol !== PROTOCOL_VERSION) {
      throw new PyroError(
        "AGENT_PROTOCOL",
        `The agent speaks protocol ${hello.protocol}; pyro speaks ${PROTOCOL_VERSION}.`,
      );
    }
    this.#hello.resolve(hello);
    return hello;
  }

  fail(reason: PyroError): void {
    this.#hello.reject(reason);
  }
}
