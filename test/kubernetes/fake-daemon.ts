import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { join } from "node:path";

import { PyroError } from "../../src/contract/errors.js";
import { buildHeader, FrameReader, frameType } from "../../src/host/stream-frames.js";

/** Answers a call of one operation: returns its result, or throws. */
export type Work = (operation: string, input: Record<string, unknown>, emit: Emit) => unknown;
/** Sends a frame before the answer. */
export type Emit = (type: number, channel: number, payload: Buffer) => void;

/** A daemon that does what a test says, at the socket of a home. */
export class FakeDaemon implements AsyncDisposable {
  readonly calls: string[] = [];
  readonly #server: Server;
  readonly #open = new Set<Duplex>();

  private constructor(work: Work, refusal: () => PyroError | null) {
    this.#server = createServer();
    this.#server.on("upgrade", (request, socket: Duplex, head: Buffer) => {
      this.#open.add(socket);
      socket.on("error", () => {});
      const operation = (request.url ?? "").replace("/v1/", "").replaceAll("/", ".");
      this.calls.push(operation);
      const refused = refusal();
      if (refused !== null) {
        const sent = `${JSON.stringify({ error: refused.toBody() })}\n`;
        return void socket.end(`HTTP/1.1 409 Conflict\r\nContent-Length: ${Buffer.byteLength(sent)}\r\n\r\n${sent}`);
      }
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: pyro-stream/1\r\n\r\n");
      const reader = new FrameReader(new Set([1, 2, 3, 4, 5, 9]), 1 << 20);
      const take = (chunk: Buffer) => {
        for (const { type, payload } of reader.read(chunk)) {
          if (type === frameType.input) void answer(socket, operation, JSON.parse(String(payload)) as never, work);
        }
      };
      socket.on("data", take);
      take(head);
    });
  }

  /** While `refusal` returns an error, every call is refused with it, as by a daemon of another version. */
  static async open(home: string, work: Work, refusal: () => PyroError | null = () => null): Promise<FakeDaemon> {
    mkdirSync(join(home, "run"), { recursive: true });
    const daemon = new FakeDaemon(work, refusal);
    daemon.#server.listen(join(home, "run", "daemon.sock"));
    await once(daemon.#server, "listening");
    return daemon;
  }

  /** Ends all connections, as a daemon that dies does. */
  breakConnections(): void {
    for (const socket of this.#open) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.breakConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

async function answer(socket: Duplex, operation: string, input: Record<string, unknown>, work: Work): Promise<void> {
  const emit: Emit = (type, channel, payload) => {
    socket.write(buildHeader(type, channel, payload.length));
    socket.write(payload);
  };
  try {
    const result = await work(operation, input, emit);
    emit(frameType.result, 0, Buffer.from(JSON.stringify(result)));
  } catch (error) {
    emit(frameType.error, 0, Buffer.from(JSON.stringify(PyroError.from(error).toBody())));
  }
}
