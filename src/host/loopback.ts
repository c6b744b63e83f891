import { connect, createServer, type Server, type Socket } from "node:net";

/** A listening TCP port of this host's loopback. */
export interface Listener {
  readonly port: number;
  /** Stops listening; connections stay. */
  close(): void;
}

/** How long a connection may be silent before the kernel asks its other end, which may have been closed after a half-close. */
const SILENT_MS = 60_000;

/** How often a connection whose other end has ended its direction is checked. */
const CHECK_MS = 5_000;
const NOTHING = Buffer.alloc(0);
const OPTIONS = { allowHalfOpen: true, noDelay: true, keepAlive: true };

/**
 * Listens on 127.0.0.1; on a free port for 0. A connection stays open in one direction when the other has ended. Rejects when the port
 * is not available.
 */
export function listenOnLoopback(port: number, onConnection: (socket: Socket) => void): Promise<Listener> {
  const server: Server = createServer({ ...OPTIONS, keepAliveInitialDelay: SILENT_MS }, (socket) => {
    socket.on("error", () => {}).once("end", () => watchHalfOpen(socket));
    onConnection(socket);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      server.off("error", reject);
      server.on("error", () => {});
      resolve({ port: (server.address() as { port: number }).port, close: () => server.close() });
    });
  });
}

/** Node.js does not notice that a connection was reset after its end, unless it writes: an empty write shows it, and the kernel sends nothing. */
function watchHalfOpen(socket: Socket): void {
  const check = () => {
    if (!socket.writableEnded && socket.writableLength === 0) socket.write(NOTHING);
  };
  const timer = setInterval(check, CHECK_MS).unref();
  socket.once("close", () => clearInterval(timer));
}

/** A connection to a server on 127.0.0.1. Its errors end it. */
export function connectLoopback(port: number): Socket {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  socket.on("error", () => {});
  return socket;
}
