/** The users of each content, within one process. A content cannot be removed while it is being counted. */
export class Holds {
  readonly #counts = new Map<string, number>();
  readonly #leaving = new Set<string>();

  /** Adds a user; the release may be called twice. */
  hold(digest: string): () => void {
    this.#counts.set(digest, (this.#counts.get(digest) ?? 0) + 1);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      const left = (this.#counts.get(digest) ?? 1) - 1;
      if (left === 0) this.#counts.delete(digest);
      else this.#counts.set(digest, left);
    };
  }

  isHeld(digest: string): boolean {
    return this.#counts.has(digest);
  }

  /** True while it is being removed: it must not be taken into use. */
  isLeaving(digest: string): boolean {
    return this.#leaving.has(digest);
  }

  /** Removes a digest that is not held. Returns false when it is held. */
  async ifUnheld(digest: string, remove: (digest: string) => Promise<unknown>): Promise<boolean> {
    if (this.isHeld(digest)) return false;
    this.#leaving.add(digest);
    try {
      await remove(digest);
      return true;
    } finally {
      this.#leaving.delete(digest);
    }
  }
}
