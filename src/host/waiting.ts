/** Callers that wait for conditions which others fulfil. */
export class Waiting {
  readonly #wakes = new Set<() => void>();

  /** Makes every caller check its condition again. */
  wake(): void {
    for (const wake of [...this.#wakes]) wake();
  }

  /** Resolves when the condition holds, or the signal is aborted. */
  async until(condition: () => boolean, signal?: AbortSignal): Promise<void> {
    const isOver = () => signal?.aborted === true || condition();
    while (!isOver()) await this.#next(signal);
  }

  #next(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        this.#wakes.delete(wake);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      this.#wakes.add(wake);
      signal?.addEventListener("abort", wake);
    });
  }
}
