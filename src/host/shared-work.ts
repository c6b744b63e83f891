import { PyroError } from "../contract/errors.js";

/** One caller of shared work: its progress and its cancel. */
export interface Follower<Progress> {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

type Work<Result, Progress> = (options: Follower<Progress>) => Promise<Result>;

interface Shared<Result, Progress> {
  readonly controller: AbortController;
  readonly followers: Set<Follower<Progress>>;
  readonly done: Promise<Result>;
  latest: Progress | null;
}

/**
 * Lets simultaneous callers that ask for the same thing share the work. Each sees its progress, a late caller from the present state
 * on. The work is cancelled when its last caller leaves. Works of the same `lane` never run at the same time.
 */
export class SharedWork<Result, Progress> {
  readonly #running = new Map<string, Shared<Result, Progress>>();
  readonly #lanes = new Map<string, Promise<unknown>>();

  async join(key: string, follower: Follower<Progress>, work: Work<Result, Progress>, lane = key): Promise<Result> {
    if (follower.signal.aborted) throw cancelled();
    const running = this.#running.get(key);
    const shared = running && !running.controller.signal.aborted ? running : this.#start(key, lane, work);
    shared.followers.add(follower);
    if (shared.latest !== null) follower.onProgress(shared.latest);
    let leave = () => {};
    const left = new Promise<never>((_, reject) => {
      leave = () => {
        shared.followers.delete(follower);
        if (shared.followers.size > 0) return reject(cancelled());
        shared.controller.abort(cancelled());
        // The last caller waits until the work has ended completely.
        void shared.done.then(reject, reject);
      };
    });
    left.catch(() => {});
    follower.signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([shared.done, left]);
    } finally {
      shared.followers.delete(follower);
      follower.signal.removeEventListener("abort", leave);
    }
  }

  #start(key: string, lane: string, work: Work<Result, Progress>): Shared<Result, Progress> {
    const controller = new AbortController();
    const followers = new Set<Follower<Progress>>();
    const before = this.#lanes.get(lane) ?? Promise.resolve();
    const onProgress = (progress: Progress) => {
      shared.latest = progress;
      for (const follower of followers) follower.onProgress(progress);
    };
    const done = before.then(async () => {
      controller.signal.throwIfAborted();
      return work({ signal: controller.signal, onProgress });
    });
    const shared: Shared<Result, Progress> = { controller, followers, done, latest: null };
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
  return new PyroError("ABORTED", "The call was cancelled.");
}
