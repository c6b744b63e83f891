import { createServer, type Server, type Socket } from "node:net";

/** A TCP port of this host's loopback that is listened on. */
export interface Listener {
  readonly port: number;
  /** Stops listening; connections stay. */
  close(): void;
}

/** Listens on 127.0.0.1; on a free port for 0. Connections keep one direction open when the other has ended. Rejects when the port cannot be had. */
export function listenOnLoopback(port: number, onConnection: (socket: Socket) => void): Promise<Listener> {
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
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
