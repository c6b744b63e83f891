import type { Call } from "../call.js";

const EVERY_MS = 200;

/** Reports an import's progress to its caller: entries, bytes and rate, a few times a second. */
export class ImportProgress {
  readonly #call: Call;
  readonly #totalBytes: number | undefined;
  readonly #startedMs = performance.now();
  #shownMs = performance.now();

  constructor(totalBytes: number | undefined, call: Call) {
    this.#totalBytes = totalBytes;
    this.#call = call;
  }

  show({ entryCount, bytes }: { readonly entryCount: number; readonly bytes: number }): void {
    const now = performance.now();
    if (now - this.#shownMs < EVERY_MS) return;
    this.#shownMs = now;
    const rate = bytes / ((now - this.#startedMs) / 1000);
    const message = `${entryCount} entries, ${renderMib(bytes)} MiB, ${renderMib(rate)} MiB/s`;
    const fraction = this.#totalBytes ? { fraction: Math.min(1, bytes / this.#totalBytes) } : {};
    void this.#call.emit({ event: "progress", phase: "import", message, ...fraction });
  }
}

function renderMib(bytes: number): string {
  return (bytes / 1_048_576).toFixed(1);
}
