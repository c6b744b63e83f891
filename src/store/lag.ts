/** A follower that must get every byte: the writer waits for it until it leaves. */
export interface Place {
  /** Acknowledges all bytes before an offset. */
  advance(offset: number): void;
  /** Frees the writer; more than once is fine. */
  leave(): void;
}

/** How many bytes a follower may have passed on that its client has not taken: the window of our clients. */
export const UNDERWAY_BYTES = 1 << 20;

/** Offsets of a follower: it has taken everything before the first, and may return to the second. */
interface Offsets {
  readonly taken: number;
  readonly oldest: number;
}

/** How far the followers of a log are behind its writer. */
export class Lag {
  readonly #places = new Map<Place, Offsets>();
  #wake: () => void = () => {};
  #isReleased = false;

  /** Adds a follower that has taken everything before an offset, and may return to an older one. */
  attach(offset: number, oldest = offset - UNDERWAY_BYTES): Place {
    const place: Place = {
      advance: (taken) => {
        if (!this.#places.has(place)) return;
        this.#places.set(place, { taken, oldest: taken - UNDERWAY_BYTES });
        this.#wake();
      },
      leave: () => {
        this.#places.delete(place);
        this.#wake();
      },
    };
    this.#places.set(place, { taken: offset, oldest });
    return place;
  }

  /** The offset before which no follower needs anything. */
  get oldest(): number {
    if (this.#isReleased) return Infinity;
    return Math.min(...Array.from(this.#places.values(), ({ oldest }) => oldest));
  }

  /** Whether the writer waits for a follower. */
  get isFollowed(): boolean {
    return !this.#isReleased && this.#places.size > 0;
  }

  /** Stops the writer from waiting for followers. */
  release(): void {
    this.#isReleased = true;
    this.#wake();
  }

  /** Resolves when all followers have read up to an offset. Supports one writer. */
  async allPast(offset: number): Promise<void> {
    while (!this.#isReleased && [...this.#places.values()].some(({ taken }) => taken < offset)) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
