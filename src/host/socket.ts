import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { chmod } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";

import { JoinedController } from "./joined-controller.js";
import { isNoListener } from "./no-listener.js";

export type { Socket } from "node:net";

/** Connects once to a unix socket. */
export function connectUnix(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

const POLL_MS = 3;
const SLOW_POLL_MS = 100;
/** What has not come by then is no start any more, but a process that stands still. */
const SLOW_AFTER_MS = 2_000;

/** Connects to a socket that a starting process will make: tries again and again until the deadline or the abort. */
export async function connectUnixWhenReady(path: string, deadlineMs: number, signal: AbortSignal): Promise<Socket> {
  const start = performance.now();
  for (;;) {
    signal.throwIfAborted();
    try {
      return await connectUnix(path);
    } catch (error) {
      const waitedMs = performance.now() - start;
      if (!isNoListener(error) || waitedMs > deadlineMs) throw error;
      await sleep(waitedMs < SLOW_AFTER_MS ? POLL_MS : SLOW_POLL_MS, undefined, { signal });
    }
  }
}

/** Listens for one connection and writes all it sends to a new file. `done` resolves when that is complete and on disk. */
export async function receiveIntoFile(
  socketPath: string,
  filePath: string,
  options: { deadlineMs: number; signal: AbortSignal },
): Promise<{ done: Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(socketPath, resolve));
  // The directory is private; the peer runs as another user.
  await chmod(socketPath, 0o666);
  const done = (async () => {
    using until = new JoinedController([options.signal], options.deadlineMs);
    const { signal } = until;
    try {
      const [socket] = (await once(server, "connection", { signal })) as [Socket];
      await pipeline(socket, createWriteStream(filePath, { flags: "wx", mode: 0o600, flush: true }), { signal });
    } finally {
      server.close();
    }
  })();
  done.catch(() => {});
  return { done };
}

/** All that a unix socket says when it is connected to. Rejects at the deadline, and when it says too much. */
export async function readUnix(path: string, limits: { deadlineMs: number; maxBytes: number }): Promise<string> {
  const socket = await connectUnix(path);
  const timer = setTimeout(() => socket.destroy(new Error("it said nothing in time")), limits.deadlineMs);
  try {
    let text = "";
    for await (const chunk of socket.setEncoding("utf8") as AsyncIterable<string>) {
      text += chunk;
      if (text.length > limits.maxBytes) throw new Error("it said too much");
    }
    return text;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}
