import { join } from "node:path";

import { appendFile, readFile, rename, writeFile } from "../host/files.js";

export type StreamName = "stdout" | "stderr";
export const streamNames = ["stdout", "stderr"] as const;

/** A number of bytes of one stream that arrived before bytes of the other. */
export interface Run {
  readonly stream: StreamName;
  readonly sizeBytes: number;
}

/** The number of newest runs with exact order. Older ones are merged, so that there are at most twice as many. */
const EXACT_RUNS = 8_192;

/** The order of arrival of a command's two streams, including bytes that are no longer kept. */
export class OutputOrder {
  /** Sizes of runs, of standard output and standard error by turns. */
  #sizes: number[] = [];

  add(stream: StreamName, sizeBytes: number): void {
    if (sizeBytes === 0) return;
    const turn = streamNames.indexOf(stream);
    if (this.#sizes.length === 0 && turn === 1) this.#sizes.push(0);
    const last = this.#sizes.length - 1;
    if (last >= 0 && last % 2 === turn) this.#sizes[last]! += sizeBytes;
    else this.#sizes.push(sizeBytes);
    if (this.#sizes.length < 2 * EXACT_RUNS) return;
    this.#sizes = [...mergeNeighbours(this.#sizes.slice(0, EXACT_RUNS)), ...this.#sizes.slice(EXACT_RUNS)];
    this.onMerged();
  }

  runs(): Run[] {
    return this.#sizes.map((sizeBytes, at) => ({ stream: streamNames[at % 2]!, sizeBytes }));
  }

  /** The sizes that no longer grow. */
  protected endedSizes(): readonly number[] {
    return this.#sizes.slice(0, -1);
  }

  /** Truncates the order to the given sizes. */
  protected onMerged(): void {}
}

/** Makes two runs of each four: the two of each stream become one. */
function mergeNeighbours(sizes: readonly number[]): number[] {
  const merged: number[] = [];
  for (let at = 0; at < sizes.length; at += 4) {
    merged.push(sizes[at]! + sizes[at + 2]!, sizes[at + 1]! + sizes[at + 3]!);
  }
  return merged;
}

/** The order of a command's output on disk, beside its logs. If it is lost, only the order is lost. */
export class OutputOrderFile extends OutputOrder {
  readonly #path: string;
  /** The number of sizes in the file; null when it must be rewritten. */
  #savedSizes: number | null = null;
  #isDirty = false;
  #saving: Promise<void> | null = null;

  private constructor(path: string) {
    super();
    this.#path = path;
  }

  /** Reads the order for the output that is on disk: the writer may have died between writing the two. */
  static async open(directory: string, totals: Readonly<Record<StreamName, number>>): Promise<OutputOrderFile> {
    const path = join(directory, "order");
    const file = new OutputOrderFile(path);
    if (streamNames.every((stream) => totals[stream] === 0)) return file;
    const text = await readFile(path, "utf8").catch(() => "");
    const left = { ...totals };
    // The last line may be incomplete.
    for (const [at, line] of text.split("\n").slice(0, -1).entries()) {
      const stream = streamNames[at % 2]!;
      const sizeBytes = Math.min(Number(line), left[stream]);
      if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) break;
      file.add(stream, sizeBytes);
      left[stream] -= sizeBytes;
    }
    for (const stream of streamNames) file.add(stream, left[stream]);
    return file;
  }

  /** Writes the new part. After a failure the next call retries it. */
  save(): Promise<void> {
    this.#isDirty = true;
    this.#saving ??= this.#saveAll();
    return this.#saving;
  }

  protected override onMerged(): void {
    this.#savedSizes = null;
  }

  async #saveAll(): Promise<void> {
    // It must not end before `save` has noted that it runs.
    await Promise.resolve();
    while (this.#isDirty) {
      this.#isDirty = false;
      const sizes = this.endedSizes();
      if (sizes.every((size) => size === 0) || sizes.length === this.#savedSizes) continue;
      const saved = this.#savedSizes;
      this.#savedSizes = sizes.length;
      await this.#write(sizes, saved).catch(() => (this.#savedSizes = null));
    }
    this.#saving = null;
  }

  async #write(sizes: readonly number[], saved: number | null): Promise<void> {
    const text = sizes.slice(saved ?? 0).map((size) => `${size}\n`);
    if (saved !== null) return appendFile(this.#path, text.join(""), { mode: 0o600 });
    await writeFile(`${this.#path}.new`, text.join(""), { mode: 0o600 });
    await rename(`${this.#path}.new`, this.#path);
  }
}
