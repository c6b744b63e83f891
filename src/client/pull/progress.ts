import type { OperationEvent } from "../../contract/operation.js";
import type { Step } from "./steps.js";

const EVERY_MS = 200;
const MIB = 1_048_576;

/** Reports how much of a pull has arrived, a few times a second. */
export class PullProgress {
  readonly #emit: (event: OperationEvent) => void | Promise<void>;
  readonly #entries: number;
  readonly #bytes: number;
  readonly #startedMs = performance.now();
  #shownMs = performance.now();
  #arrived = { entries: 0, bytes: 0 };

  constructor(steps: readonly Step[], emit: (event: OperationEvent) => void | Promise<void> = () => {}) {
    const files = steps.filter(({ after }) => after !== null && after.type !== "directory");
    this.#entries = files.length;
    this.#bytes = files.reduce((sum, { after }) => sum + (after?.type === "file" ? after.sizeBytes : 0), 0);
    this.#emit = emit;
  }

  addEntry(): void {
    this.#arrived.entries += 1;
    this.#show();
  }

  addBytes(count: number): void {
    this.#arrived.bytes += count;
    this.#show();
  }

  #show(): void {
    const nowMs = performance.now();
    if (nowMs - this.#shownMs < EVERY_MS) return;
    this.#shownMs = nowMs;
    const { entries, bytes } = this.#arrived;
    const rate = bytes / MIB / ((nowMs - this.#startedMs) / 1000);
    const message = `${entries} of ${this.#entries} entries, ${(bytes / MIB).toFixed(1)} MiB, ${rate.toFixed(1)} MiB/s`;
    const fraction = this.#bytes === 0 ? entries / this.#entries : bytes / this.#bytes;
    void this.#emit({ event: "progress", phase: "receive", message, fraction: Math.min(1, fraction) });
  }
}
