import type { OutputChunk } from "./call-options.js";

/**
 * Hands output from the call that receives it to the one who reads it; the faster one waits for the other.
 * Until somebody reads, or says that nobody will, the first chunk waits: nothing is lost in between.
 */
export class OutputQueue {
  #reading: "undecided" | "read" | "dropped" = "undecided";
  #chunk: OutputChunk | null = null;
  #ended = false;
  #wake: (() => void)[] = [];

  /** Resolves when the chunk was taken, or when nobody will take it. */
  async push(chunk: OutputChunk): Promise<void> {
    await this.#until(() => this.#reading !== "undecided");
    if (this.#reading === "dropped") return;
    this.#chunk = chunk;
    this.#changed();
    await this.#until(() => this.#chunk === null || this.#reading === "dropped");
  }

  /** There will be no more. */
  end(): void {
    this.#ended = true;
    this.#changed();
  }

  /** Nobody reads, unless somebody has begun to. */
  dropUnlessRead(): void {
    if (this.#reading === "undecided") this.drop();
  }

  /** Nobody reads any more. */
  drop(): void {
    this.#reading = "dropped";
    this.#changed();
  }

  /** True for the first one who asks to read. */
  claim(): boolean {
    if (this.#reading === "read") return false;
    if (this.#reading === "undecided") this.#reading = "read";
    this.#changed();
    return true;
  }

  /** The next chunk; null when there is none any more. */
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
