import { PyroError } from "../contract/errors.js";
import type { Log } from "../host/log.js";

interface LifetimeOptions {
  readonly idleMs: number;
  /** The longest that a stop waits for aborted calls to clean up. */
  readonly cleanUpMs: number;
  readonly vmsInUse: () => number;
  /** Hides the daemon from new clients, while existing connections are still served. */
  readonly hide: () => void;
  readonly log: Log;
}

export interface CallInFlight {
  readonly signal: AbortSignal;
  abort(reason: PyroError): void;
  /** Marks the call as answered. */
  finish(): void;
}

/** Connections made before `hide` have sent their request by then. */
const LATE_REQUEST_MS = 100;

/** Decides when the daemon ends: counts calls, and ends it after idle time, when it is replaced, or when it is stopped. */
export class Lifetime {
  readonly startedAt = new Date();
  /** Resolves when nothing is left to answer and the process should end. */
  readonly ended: Promise<void>;
  readonly #options: LifetimeOptions;
  readonly #calls = new Set<CallInFlight>();
  #idleTimer: NodeJS.Timeout | undefined;
  #ending = false;
  #resolveEnded = () => {};
  #onNoCalls = () => {};

  constructor(options: LifetimeOptions) {
    this.#options = options;
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.#watchIdle();
  }

  /** True when another version can replace the daemon without an effect on callers. */
  isIdle(): boolean {
    return this.#calls.size === 0 && this.#options.vmsInUse() === 0;
  }

  /** Registers a call. Throws when the daemon is ending; the caller then starts a new one. */
  begin(): CallInFlight {
    if (this.#ending) throw endingError();
    clearTimeout(this.#idleTimer);
    const controller = new AbortController();
    const call: CallInFlight = {
      signal: controller.signal,
      abort: (reason) => controller.abort(reason),
      finish: () => this.#finish(call),
    };
    this.#calls.add(call);
    return call;
  }

  /** Ends after the answers of calls in flight. May be called twice. */
  end(reason: string): void {
    if (this.#ending) return;
    this.#ending = true;
    clearTimeout(this.#idleTimer);
    this.#options.log.info({ reason }, "ending");
    this.#options.hide();
    void this.#finishCalls().then(this.#resolveEnded);
  }

  /** Aborts calls in flight, all but the one that asks, and ends when they have cleaned up. */
  stop(reason: string, asking?: AbortSignal): void {
    this.end(reason);
    for (const call of this.#calls) {
      if (call.signal !== asking) call.abort(new PyroError("ABORTED", "The daemon was stopped."));
    }
    setTimeout(this.#resolveEnded, this.#options.cleanUpMs).unref();
  }

  #finish(call: CallInFlight): void {
    this.#calls.delete(call);
    if (this.#calls.size > 0) return;
    this.#onNoCalls();
    if (!this.#ending) this.#watchIdle();
  }

  async #finishCalls(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, LATE_REQUEST_MS));
    if (this.#calls.size > 0) await new Promise<void>((resolve) => (this.#onNoCalls = resolve));
  }

  #watchIdle(): void {
    this.#idleTimer = setTimeout(() => {
      if (this.isIdle()) this.end("idle");
      else this.#watchIdle();
    }, this.#options.idleMs);
  }
}

function endingError(): PyroError {
  return new PyroError("DAEMON_UNREACHABLE", "The daemon is ending.", { details: { restarting: true } });
}
