/** A follower that must get every byte: the writer waits for it until it leaves. */
export interface Place {
  /** Acknowledges all bytes before an offset. */
  advance(offset: number): void;
  /** Frees the writer; more than once is fine. */
  leave(): void;
}

/** How far the followers of a log are behind its writer. */
export class Lag {
  readonly #offsets = new Map<Place, number>();
  #wake: () => void = () => {};
  #isReleased = false;

  /** Adds a follower that has taken everything before an offset. */
  attach(offset: number): Place {
    const place: Place = {
      advance: (to) => {
        if (!this.#offsets.has(place)) return;
        this.#offsets.set(place, to);
        this.#wake();
      },
      leave: () => {
        this.#offsets.delete(place);
        this.#wake();
      },
    };
    this.#offsets.set(place, offset);
    return place;
  }

  /** Whether the writer waits for a follower. */
  get isFollowed(): boolean {
    return !this.#isReleased && this.#offsets.size > 0;
  }

  /** Stops the writer from waiting for followers. */
  release(): void {
    this.#isReleased = true;
    this.#wake();
  }

  /** Resolves when all followers have read up to an offset. Supports one writer. */
  async allPast(offset: number): Promise<void> {
    while (!this.#isReleased && [...this.#offsets.values()].some((taken) => taken < offset)) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
