/** How one caller of shared work follows it, and leaves it. */
export interface Follower<Progress> {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

interface Running<Result, Progress> {
  readonly result: Promise<Result>;
  readonly followers: Set<Follower<Progress>>;
  readonly abort: AbortController;
  latest: Progress | null;
}

/** Work that callers who ask for the same thing at the same time share. It is cancelled when the last of them leaves. */
export class SharedWork<Result, Progress> {
  readonly #running = new Map<string, Running<Result, Progress>>();

  /** Joins the work under way for a key, or starts it. Rejects with the signal's reason when this caller leaves. */
  async join(
    key: string,
    follower: Follower<Progress>,
    work: (options: Follower<Progress>) => Promise<Result>,
  ): Promise<Result> {
    follower.signal.throwIfAborted();
    const running = this.#running.get(key) ?? this.#start(key, work);
    running.followers.add(follower);
    if (running.latest !== null) follower.onProgress(running.latest);
    let leave!: () => void;
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(follower.signal.reason as Error);
      follower.signal.addEventListener("abort", leave, { once: true });
    });
    try {
      return await Promise.race([running.result, left]);
    } finally {
      follower.signal.removeEventListener("abort", leave);
      running.followers.delete(follower);
      if (running.followers.size === 0) {
        running.abort.abort();
        if (this.#running.get(key) === running) this.#running.delete(key);
      }
    }
  }

  #start(key: string, work: (options: Follower<Progress>) => Promise<Result>): Running<Result, Progress> {
    const abort = new AbortController();
    const followers = new Set<Follower<Progress>>();
    const onProgress = (progress: Progress) => {
      running.latest = progress;
      for (const follower of followers) follower.onProgress(progress);
    };
    const result = Promise.resolve()
      .then(() => work({ signal: abort.signal, onProgress }))
      .finally(() => {
        if (this.#running.get(key) === running) this.#running.delete(key);
      });
    result.catch(() => {});
    const running: Running<Result, Progress> = { result, followers, abort, latest: null };
    this.#running.set(key, running);
    return running;
  }
}
