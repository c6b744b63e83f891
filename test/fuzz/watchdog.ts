import { writeSync } from "node:fs";
import { isMainThread, Worker, workerData } from "node:worker_threads";

/** How much processor one input may take. It does not depend on what else the host does. */
const MOST_CPU_MS = 20_000;
const LOOK_MS = 500;
const MAX_INPUT_BYTES = 65_536;
const [NUMBER, LENGTH, HEADER_BYTES] = [0, 1, 8];

/** The input that is being parsed, for another thread: it names an input for which the parser never returns. */
class SharedInput {
  readonly buffer: SharedArrayBuffer;
  readonly #numbers: Int32Array;
  readonly #bytes: Uint8Array;

  constructor(buffer = new SharedArrayBuffer(HEADER_BYTES + MAX_INPUT_BYTES)) {
    this.buffer = buffer;
    this.#numbers = new Int32Array(buffer, 0, 2);
    this.#bytes = new Uint8Array(buffer, HEADER_BYTES);
  }

  set(input: Buffer): void {
    this.#bytes.set(input.subarray(0, MAX_INPUT_BYTES));
    Atomics.store(this.#numbers, LENGTH, Math.min(input.length, MAX_INPUT_BYTES));
    Atomics.add(this.#numbers, NUMBER, 1);
  }

  get number(): number {
    return Atomics.load(this.#numbers, NUMBER);
  }

  get base64(): string {
    return Buffer.from(this.#bytes.slice(0, Atomics.load(this.#numbers, LENGTH))).toString("base64");
  }
}

/** Ends the process, and names the input, when a parser loops for ever. */
export class Watchdog implements Disposable {
  readonly #input = new SharedInput();
  readonly #worker: Worker;
  readonly #target: string;
  readonly #onIdle = () => {
    this.#tell("the parser waits for ever");
    process.exit(1);
  };

  constructor(target: string) {
    this.#target = target;
    this.#worker = new Worker(new URL(import.meta.url), { workerData: { shared: this.#input.buffer, target } });
    this.#worker.unref();
    // Nothing is left to do, and the parser has not answered.
    process.once("beforeExit", this.#onIdle);
  }

  begin(input: Buffer): void {
    this.#input.set(input);
  }

  #tell(what: string): void {
    tell(this.#target, what, this.#input);
  }

  [Symbol.dispose](): void {
    process.off("beforeExit", this.#onIdle);
    void this.#worker.terminate();
  }
}

function tell(target: string, what: string, input: SharedInput): void {
  writeSync(2, `target ${target}: ${what}; the input in base64 (FUZZ_INPUT repeats it): ${input.base64}\n`);
}

function watch({ shared, target }: { shared: SharedArrayBuffer; target: string }): void {
  const input = new SharedInput(shared);
  let seen = -1;
  let since = process.cpuUsage();
  setInterval(() => {
    const { user, system } = process.cpuUsage(since);
    if (input.number !== seen) {
      seen = input.number;
      since = process.cpuUsage();
    } else if ((user + system) / 1_000 > MOST_CPU_MS) {
      tell(target, `the parser takes more than ${MOST_CPU_MS} ms of the processor`, input);
      process.kill(process.pid, "SIGKILL");
    }
  }, LOOK_MS);
}

if (!isMainThread && workerData) watch(workerData as Parameters<typeof watch>[0]);
