import { PyroError } from "../contract/errors.js";
import type { PullProgress } from "./source.js";

export interface PullListener {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: PullProgress) => void;
}

type Work<Result> = (options: PullListener) => Promise<Result>;

interface Shared<Result> {
  readonly controller: AbortController;
  readonly listeners: Set<PullListener>;
  readonly done: Promise<Result>;
  latest: PullProgress | null;
}

/**
 * Lets callers that ask for the same thing at once share the work: each sees its progress, a late one from where it is.
 * It is cancelled when the last of them is; what shares a `lane` never runs at the same time.
 */
export class SharedPulls<Result> {
  readonly #running = new Map<string, Shared<Result>>();
  readonly #lanes = new Map<string, Promise<unknown>>();

  async join(key: string, lane: string, listener: PullListener, work: Work<Result>): Promise<Result> {
    if (listener.signal.aborted) throw cancelled();
    const running = this.#running.get(key);
    const shared = running && !running.controller.signal.aborted ? running : this.#start(key, lane, work);
    shared.listeners.add(listener);
    if (shared.latest !== null) listener.onProgress(shared.latest);
    let leave: (() => void) | undefined;
    const left = new Promise<never>((_, reject) => {
      leave = () => {
        shared.listeners.delete(listener);
        if (shared.listeners.size > 0) return reject(cancelled());
        shared.controller.abort(cancelled());
        // The last one waits until nothing is left of the work: `done` settles the race.
      };
      listener.signal.addEventListener("abort", leave, { once: true });
    });
    try {
      return await Promise.race([shared.done, left]);
    } catch (error) {
      // However the work noticed that it was cancelled, the caller learns it in one way.
      throw shared.controller.signal.aborted ? cancelled() : error;
    } finally {
      shared.listeners.delete(listener);
      if (leave) listener.signal.removeEventListener("abort", leave);
    }
  }

  #start(key: string, lane: string, work: Work<Result>): Shared<Result> {
    const controller = new AbortController();
    const listeners = new Set<PullListener>();
    const before = this.#lanes.get(lane) ?? Promise.resolve();
    const onProgress = (progress: PullProgress) => {
      if (shared.latest !== null && progress.fraction < shared.latest.fraction) return;
      shared.latest = progress;
      for (const listener of listeners) listener.onProgress(progress);
    };
    const done = before.then(async () => {
      controller.signal.throwIfAborted();
      return work({ signal: controller.signal, onProgress });
    });
    const shared: Shared<Result> = { controller, listeners, done, latest: null };
    const settled = done
      .then(
        () => {},
        () => {},
      )
      .finally(() => {
        if (this.#running.get(key) === shared) this.#running.delete(key);
        if (this.#lanes.get(lane) === settled) this.#lanes.delete(lane);
      });
    this.#running.set(key, shared);
    this.#lanes.set(lane, settled);
    return shared;
  }
}

function cancelled(): PyroError {
  return new PyroError("ABORTED", "The pull was cancelled.");
}
