import { createServer, type Server, type Socket } from "node:net";

/** A listening TCP port of this host's loopback. */
export interface Listener {
  readonly port: number;
  /** Stops listening; connections stay. */
  close(): void;
}

/** How long a connection may be silent before the kernel asks its other end, which may have been closed after a half-close. */
const SILENT_MS = 60_000;

const OPTIONS = { allowHalfOpen: true, noDelay: true, keepAlive: true };

/**
 * Listens on 127.0.0.1; on a free port for 0. A connection stays open in one direction when the other has ended. Rejects when the port
 * is not available.
 */
export function listenOnLoopback(port: number, onConnection: (socket: Socket) => void): Promise<Listener> {
  const server: Server = createServer({ ...OPTIONS, keepAliveInitialDelay: SILENT_MS }, (socket) => {
    socket.on("error", () => {});
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
