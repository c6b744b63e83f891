import {
  createServer,
  request,
  ServerResponse,
  type ClientRequest,
  type IncomingMessage,
  type Server,
} from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

export type { ClientRequest, IncomingMessage, Server, ServerResponse } from "node:http";

/**
 * Serves HTTP on a unix socket that only this user may open (mode 0600 from its creation). A connection is closed, before anything of it
 * is read, unless `isWelcome` says yes.
 */
export async function serveUnix(
  path: string,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
  onUpgrade?: (request: IncomingMessage, socket: Socket, head: Buffer) => void,
  isWelcome: (socket: Socket) => boolean = () => true,
): Promise<Server> {
  // A call may upload for hours, so only its headers have a deadline.
  const server = createServer({ requestTimeout: 0 }, onRequest);
  server.on("connection", (socket: Socket) => {
    if (!isWelcome(socket)) socket.destroy();
  });
  if (onUpgrade) server.on("upgrade", onUpgrade);
  const listening = new Promise<void>((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", reject);
  });
  const umask = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(umask);
  }
  await listening;
  // If a connection cannot be accepted for lack of descriptors, only that client has an error.
  server.on("error", () => {});
  return server;
}

/**
 * Starts a POST without a body that asks to upgrade its connection. It uses a new connection, and the caller ends it: a server that
 * closes first could lose the answer.
 */
export function openUpgrade(
  connect: () => Duplex,
  path: string,
  headers: Readonly<Record<string, string>>,
): ClientRequest {
  const fixed = { host: "pyro", connection: "Upgrade" };
  return request({ createConnection: connect, path, method: "POST", headers: { ...headers, ...fixed } });
}

/** True when an HTTP server answers a request over a connection. */
export function answersHttp(connect: () => Duplex): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request({ createConnection: connect, path: "/", headers: { host: "pyro", connection: "close" } });
    sent.once("response", (response) => {
      response.resume();
      resolve(true);
    });
    sent.on("error", () => resolve(false));
    sent.end();
  });
}

/** The plain answer to a request to upgrade that is refused. The connection ends with it. */
export function openResponse(request: IncomingMessage, socket: Socket): ServerResponse {
  // Node.js has removed its own listener. A client that is gone needs no answer.
  socket.on("error", () => {});
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once("finish", () => socket.end());
  return response;
}

/** An HTTP server on this host's loopback. */
export interface LoopbackServer {
  readonly port: number;
  /** Stops listening and ends all connections. */
  close(): void;
}

/** The most connections that a loopback server accepts at once, and the bytes of a request's headers. */
const MAX_CONNECTIONS = 4_096;
const MAX_HEADER_BYTES = 32_768;

/** Serves HTTP/1.1 on 127.0.0.1; on a free port for 0. Rejects when the port is not available. */
export function serveLoopback(
  port: number,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
  onUpgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void,
): Promise<LoopbackServer> {
  const options = { requestTimeout: 0, keepAliveTimeout: 60_000, maxHeaderSize: MAX_HEADER_BYTES, noDelay: true };
  const server = createServer(options, onRequest);
  server.maxConnections = MAX_CONNECTIONS;
  server.on("upgrade", onUpgrade);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      server.off("error", reject);
      server.on("error", () => {});
      const close = () => {
        server.close();
        server.closeAllConnections();
      };
      resolve({ port: (server.address() as { port: number }).port, close });
    });
  });
}

/** A request to a server on 127.0.0.1, whose body the caller writes. */
export function requestLoopback(
  port: number,
  { method, path, headers }: { method: string; path: string; headers: Readonly<Record<string, string | string[]>> },
): ClientRequest {
  return request({ host: "127.0.0.1", port, method, path, headers, agent: false });
}
