import { limits } from "../../contract/limits.js";
import type { OperationEvent } from "../../contract/operation.js";
import { HeldBytes } from "../../host/held-bytes.js";
import { InputQueue } from "./input-queue.js";
import type { Pyro } from "./pyro.js";

/** How a request to a program failed: the name of an errno, or GONE when the program ended before its answer. */
export class GuestError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** One line of an answer, as the guest wrote it. */
export type GuestLine = Readonly<Record<string, unknown>>;

/** A program in a guest, its files on this host, and where they are put. */
export interface GuestCommand {
  readonly files: readonly { readonly target: string; readonly mode: string; read(): Promise<Uint8Array> }[];
  readonly command: readonly string[];
  readonly user: string;
  /** Variables of the program, read at each start. */
  readonly env?: () => Readonly<Record<string, string>>;
}

/** The sandbox of a program. Its task changes when it continues without its memory. */
export interface ProgramOwner {
  readonly record: { readonly taskId: string };
}

/** A text in a line; anything else becomes its JSON. Half a character, which no header and no URL can hold, becomes U+FFFD. */
export function wordIn(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

/** A number in a line; NaN for anything else. */
export function numberIn(value: unknown): number {
  return typeof value === "number" ? value : NaN;
}

/** A request under way. */
export interface Asked {
  readonly id: number;
  /** Resolves at the end of the answer. Rejects with GuestError. */
  readonly done: Promise<void>;
}

interface Waiting {
  readonly onLine: (line: GuestLine, length: number) => void;
  readonly resolve: () => void;
  readonly reject: (error: GuestError) => void;
}

/** The longest line that a program writes. */
const MAX_LINE_BYTES = 16_777_216;
/** The most lines of one answer that are kept, and their characters together. */
const MAX_LINES = 200_000;
const MAX_ANSWER_LENGTH = 67_108_864;

/**
 * A program of the gateway in one sandbox, which answers requests: JSON, one object a line. It starts with the first request, and again
 * after it has ended.
 */
export class LineProgram {
  readonly #pyro: Pyro;
  readonly #sandbox: ProgramOwner;
  readonly #what: GuestCommand;
  readonly #waiting = new Map<number, Waiting>();
  #starting: Promise<InputQueue> | null = null;
  #lastId = 0;
  readonly #rest = new HeldBytes();

  constructor(pyro: Pyro, sandbox: ProgramOwner, what: GuestCommand) {
    this.#pyro = pyro;
    this.#sandbox = sandbox;
    this.#what = what;
  }

  get isStarted(): boolean {
    return this.#starting !== null;
  }

  /** Sends a request. `onLine` gets each line of its answer but the last, and its length; a GuestError that it throws ends the answer. */
  async begin(op: string, fields: Readonly<Record<string, unknown>>, onLine: Waiting["onLine"]): Promise<Asked> {
    const input = await (this.#starting ??= this.#start());
    const id = (this.#lastId += 1);
    const done = new Promise<void>((resolve, reject) => this.#waiting.set(id, { onLine, resolve, reject }));
    void input.push(Buffer.from(`${JSON.stringify({ id, op, ...fields })}\n`));
    return { id, done };
  }

  /** The lines of an answer without the last one; EMSGSIZE for too many. Asks again, once, when the program has ended meanwhile. Rejects with GuestError. */
  async ask(op: string, fields: Readonly<Record<string, unknown>> = {}): Promise<readonly GuestLine[]> {
    try {
      return await this.#collect(op, fields);
    } catch (error) {
      if (!(error instanceof GuestError) || error.code !== "GONE" || op === "move") throw error;
      return this.#collect(op, fields);
    }
  }

  /** Ends the program; resolves when it has ended. */
  async close(): Promise<void> {
    const input = await this.#starting?.catch(() => null);
    input?.end();
    await input?.done;
  }

  /** Called with a line that answers no request. */
  protected onOther(_line: GuestLine): void {}

  /** Called when the program has ended. */
  protected onEnd(): void {}

  async #collect(op: string, fields: Readonly<Record<string, unknown>>): Promise<readonly GuestLine[]> {
    const lines: GuestLine[] = [];
    let left = MAX_ANSWER_LENGTH;
    const { done } = await this.begin(op, fields, (line, length) => {
      left -= length;
      if (lines.length >= MAX_LINES || left < 0) throw new GuestError("EMSGSIZE", "the answer is too long");
      lines.push(line);
    });
    await done;
    return lines;
  }

  async #start(): Promise<InputQueue> {
    try {
      for (const { target: path, mode, read } of this.#what.files) {
        const content = await read();
        await this.#pyro.perform(
          "task.file.write",
          { task_id: this.#sandbox.record.taskId, path, mode },
          { stdin: onePiece(content) },
        );
      }
    } catch (error) {
      this.#starting = null;
      throw error;
    }
    const input = new InputQueue();
    input.done = this.#run(input).finally(() => this.#ended(input));
    return input;
  }

  async #run(input: InputQueue): Promise<void> {
    const { command, user, env } = this.#what;
    const fixed = { cwd: "/", timeout_seconds: limits.timeoutSeconds.max };
    const onEvent = (event: OperationEvent) => {
      if (event.event === "stdout") this.#take(Buffer.from(event.data));
    };
    const given = {
      task_id: this.#sandbox.record.taskId,
      command: [...command],
      user,
      ...(env && { env: env() }),
      ...fixed,
    };
    await this.#pyro.perform("task.exec", given, { stdin: input, onEvent }).catch(() => {});
  }

  #ended(input: InputQueue): void {
    input.drop();
    this.#starting = null;
    this.#rest.take();
    const gone = new GuestError("GONE", "the sandbox's service ended");
    for (const { reject } of this.#waiting.values()) reject(gone);
    this.#waiting.clear();
    this.onEnd();
  }

  #take(bytes: Buffer): void {
    let at = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, at)) {
      this.#rest.push(bytes.subarray(at, end));
      this.#takeLine(this.#rest.take().toString("utf8"));
      at = end + 1;
    }
    if (at < bytes.length) this.#rest.push(bytes.subarray(at));
    if (this.#rest.length > MAX_LINE_BYTES) this.#rest.take();
  }

  #takeLine(text: string): void {
    const line = parseLine(text);
    if (line === null) return;
    const id = numberIn(line["id"]);
    const waiting = this.#waiting.get(id);
    if (!waiting) return this.onOther(line);
    if (line["done"] !== true && line["error"] === undefined) return this.#passLine(id, waiting, line, text.length);
    this.#waiting.delete(id);
    if (line["done"] === true) waiting.resolve();
    else waiting.reject(new GuestError(wordIn(line["error"]), wordIn(line["message"] ?? line["error"])));
  }

  #passLine(id: number, { onLine, reject }: Waiting, line: GuestLine, length: number): void {
    try {
      onLine(line, length);
    } catch (error) {
      if (!(error instanceof GuestError)) throw error;
      this.#waiting.delete(id);
      reject(error);
    }
  }
}

function parseLine(text: string): GuestLine | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as GuestLine) : null;
  } catch {
    return null;
  }
}

async function* onePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
