import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { chmod } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";

import { JoinedController } from "./joined-controller.js";
import { isNoListener } from "./no-listener.js";

export type { Socket } from "node:net";
export type { Duplex } from "node:stream";

/** A connection to a unix socket, which may still fail. */
export function openUnix(path: string): Socket {
  return connect(path);
}

/** Carries bytes both ways between a connection and two streams, until the connection has ended. Rejects when it breaks. */
export async function joinStreams(socket: Socket, source: Readable, sink: Writable): Promise<void> {
  // Bytes that were not sent yet are of no use after the connection has ended.
  const sending = pipeline(source, socket).catch(() => {});
  await pipeline(socket, sink, { end: false });
  await Promise.race([sending, once(socket, "close")]);
}

/**
 * Connects once to a unix socket. If the connection breaks before the caller listens for errors, the socket is destroyed without a
 * crash.
 */
export function connectUnix(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.on("error", () => {});
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

const POLL_MS = 3;
const SLOW_POLL_MS = 100;
/** After this time the process is treated as paused, not as starting. */
const SLOW_AFTER_MS = 2_000;

/** Connects to a socket that a starting process will make: tries again and again until the deadline or the abort. */
export function connectUnixWhenReady(path: string, deadlineMs: number, signal: AbortSignal): Promise<Socket> {
  return connectWhenReady(() => connectUnix(path), deadlineMs, signal);
}

/** Repeats the connect while nothing listens, until the deadline or the abort. */
export async function connectWhenReady(
  connectOnce: () => Promise<Socket>,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<Socket> {
  const start = performance.now();
  for (;;) {
    signal.throwIfAborted();
    try {
      return await connectOnce();
    } catch (error) {
      const waitedMs = performance.now() - start;
      if (!isNoListener(error) || waitedMs > deadlineMs) throw error;
      await sleep(waitedMs < SLOW_AFTER_MS ? POLL_MS : SLOW_POLL_MS, undefined, { signal });
    }
  }
}

/** A unix socket for one connection, whose bytes go into a file. */
export class Reception implements Disposable {
  readonly #server: Server;
  readonly #connection: Promise<Socket>;

  private constructor(server: Server) {
    this.#server = server;
    this.#connection = new Promise((resolve) => server.once("connection", resolve));
  }

  static async listen(path: string): Promise<Reception> {
    const server = createServer({ pauseOnConnect: true });
    const reception = new Reception(server);
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
    // The directory is private; the peer runs as another user.
    await chmod(path, 0o666);
    return reception;
  }

  /** Writes all bytes of the connection to a new file. Resolves when the file is complete and on disk. */
  async writeTo(filePath: string, options: { deadlineMs: number; signal: AbortSignal }): Promise<void> {
    using until = new JoinedController([options.signal], options.deadlineMs);
    const { signal } = until;
    const aborted = once(signal, "abort").then(() => signal.throwIfAborted());
    const socket = (await Promise.race([this.#connection, aborted])) as Socket;
    await pipeline(socket, createWriteStream(filePath, { flags: "wx", mode: 0o600, flush: true }), { signal });
  }

  [Symbol.dispose](): void {
    this.#server.close();
  }
}

/** Reads a socket to its end. Rejects at the deadline, and when the answer is too long. */
export async function readAll(socket: Socket, limits: { deadlineMs: number; maxBytes: number }): Promise<string> {
  const timer = setTimeout(() => socket.destroy(new Error("it sent nothing in time")), limits.deadlineMs);
  try {
    let text = "";
    for await (const chunk of socket.setEncoding("utf8") as AsyncIterable<string>) {
      text += chunk;
      if (text.length > limits.maxBytes) throw new Error("it sent too much");
    }
    return text;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
