import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import { readLines } from "../../host/lines.js";
import { connectSocketFileWhenReady, type SocketFile } from "../../host/socket-file.js";
import type { Socket } from "../../host/socket.js";

/** Maximum length of an answer of QEMU. */
const MAX_LINE_BYTES = 1_048_576;

const message = z.union([
  z.looseObject({ return: z.unknown() }),
  z.looseObject({ error: z.object({ class: z.string(), desc: z.string() }) }),
  z.looseObject({ event: z.string() }),
  z.looseObject({ QMP: z.unknown() }),
]);

interface Waiter {
  readonly command: string;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** QEMU's monitor. Answers come in the order of the questions. */
export class Qmp {
  /** Resolves when QEMU answers. */
  readonly answers: Promise<unknown>;
  /** Called with the name of each event. */
  onEvent: (name: string) => void = () => {};
  readonly #socket: Socket;
  readonly #waiters: Waiter[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("close", () => this.#fail(new PyroError("VM_DIED", "QEMU closed its monitor.")));
    // A read error closes the connection.
    this.#read().catch(() => socket.destroy());
    this.answers = this.execute("qmp_capabilities");
    this.answers.catch(() => {});
  }

  /** Connects to a QEMU that may still be starting. */
  static async open(file: SocketFile, deadlineMs: number, signal: AbortSignal): Promise<Qmp> {
    return new Qmp(await connectSocketFileWhenReady(file, deadlineMs, signal));
  }

  /** Throws VM_START_FAILED with QEMU's message when it refuses. */
  execute(command: string, args?: Record<string, unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new PyroError("VM_DIED", "QEMU closed its monitor."));
      this.#waiters.push({ command, resolve, reject });
      this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  async #read(): Promise<void> {
    for await (const line of readLines(this.#socket, MAX_LINE_BYTES)) this.#receive(line);
  }

  #receive(line: string): void {
    let parsed;
    try {
      parsed = message.parse(JSON.parse(line));
    } catch (error) {
      this.#fail(new PyroError("VM_START_FAILED", "QEMU's monitor sent a line that is not QMP.", { cause: error }));
      return;
    }
    if ("return" in parsed) this.#waiters.shift()?.resolve(parsed.return);
    else if ("error" in parsed) {
      const waiter = this.#waiters.shift();
      const { desc } = parsed.error as { desc: string };
      waiter?.reject(new PyroError("VM_START_FAILED", `QEMU refused ${waiter.command}: ${desc}`));
    } else if ("event" in parsed) this.onEvent(parsed.event as string);
  }

  #fail(error: Error): void {
    this.#socket.destroy();
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
  }
}
