import { once } from "node:events";
import { Worker } from "node:worker_threads";

import { PyroError } from "../../contract/errors.js";
import type { TerminalSize } from "../../contract/terminal.js";

/** How long one piece of output may take to draw. A guest can write output that takes an emulator minutes. */
const DRAW_MS = 10_000;
const MEMORY_MIB = 192;

/** The content of a terminal at one moment. */
export interface Drawn {
  /** The visible lines. */
  readonly text: string;
  /** The lines that have left the screen since the mark. */
  readonly scrolled: string;
  readonly cursor: { readonly row: number; readonly col: number };
  /** The output that draws the same screen on an empty terminal. */
  readonly repaint: string;
}

export interface ScreenRequest {
  readonly bytes: Uint8Array;
  /** Lines that leave the screen from then on count as scrolled. */
  readonly marks: boolean;
}

/** A terminal in a thread of its own, bounded in time and memory: its output is a guest's. Close it. */
export class Screen {
  readonly #worker: Worker;
  drawn: Drawn = { text: "", scrolled: "", cursor: { row: 1, col: 1 }, repaint: "" };

  constructor({ rows, cols }: TerminalSize) {
    this.#worker = new Worker(new URL("screen-worker.js", import.meta.url), {
      workerData: { rows, cols },
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MIB },
    });
    this.#worker.on("error", () => {});
  }

  write(bytes: Uint8Array, limitMs = DRAW_MS): Promise<void> {
    return this.#ask({ bytes, marks: false }, limitMs);
  }

  mark(): Promise<void> {
    return this.#ask({ bytes: Buffer.alloc(0), marks: true });
  }

  close(): void {
    void this.#worker.terminate();
  }

  /** Throws RESOURCE_EXHAUSTED when the output takes too much time or memory to draw. */
  async #ask(request: ScreenRequest, limitMs = DRAW_MS): Promise<void> {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- of windows, not of threads.
    this.#worker.postMessage(request);
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), limitMs);
    try {
      const [drawn] = (await once(this.#worker, "message", { signal: late.signal })) as [Drawn];
      this.drawn = drawn;
    } catch (error) {
      this.close();
      throw new PyroError("RESOURCE_EXHAUSTED", "The output of the terminal takes too long to draw.", {
        hint: "Clear its screen, or read the output itself with `pyro task output`.",
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }
}
