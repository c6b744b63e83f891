import type { OutputChunk } from "./call-options.js";

/**
 * Passes output from the call to its reader; the faster side waits for the slower.
 * The first chunk waits until a reader starts or the output is dropped, so no output is lost before that.
 */
export class OutputQueue {
  #reading: "undecided" | "read" | "dropped" = "undecided";
  #chunk: OutputChunk | null = null;
  #ended = false;
  #wake: (() => void)[] = [];

  /** Resolves when a reader has taken the chunk, or when there will be no reader. */
  async push(chunk: OutputChunk): Promise<void> {
    await this.#until(() => this.#reading !== "undecided");
    if (this.#reading === "dropped") return;
    this.#chunk = chunk;
    this.#changed();
    await this.#until(() => this.#chunk === null || this.#reading === "dropped");
  }

  /** Ends the output. */
  end(): void {
    this.#ended = true;
    this.#changed();
  }

  /** Discards the output, unless a reader has started. */
  dropUnlessRead(): void {
    if (this.#reading === "undecided") this.drop();
  }

  /** The reader has stopped; discards further output. */
  drop(): void {
    this.#reading = "dropped";
    this.#changed();
  }

  /** True for the first reader. */
  claim(): boolean {
    if (this.#reading === "read") return false;
    if (this.#reading === "undecided") this.#reading = "read";
    this.#changed();
    return true;
  }

  /** The next chunk; null at the end. */
  async take(): Promise<OutputChunk | null> {
    await this.#until(() => this.#chunk !== null || this.#ended || this.#reading === "dropped");
    const chunk = this.#reading === "dropped" ? null : this.#chunk;
    this.#chunk = null;
    this.#changed();
    return chunk;
  }

  #changed(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const resolve of waiting) resolve();
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }
}
