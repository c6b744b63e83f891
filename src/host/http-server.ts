import { createServer, ServerResponse, type IncomingMessage, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createServer as createNetServer, type Server as NetServer, type Socket } from "node:net";
import type { SecureContext } from "node:tls";

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

/** Ends the connection of an answer so that its client takes it for broken, not for complete. TLS has no such end: there the connection just ends. */
export function cutConnection(response: ServerResponse): void {
  const { socket } = response;
  if (socket === null || "encrypted" in socket) response.destroy();
  else socket.resetAndDestroy();
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

/** How long a connection without a request stays open: longer than clients keep theirs, as with E2B, whose SDK for Python takes 300 s. */
const KEEP_ALIVE_MS = 640_000;
/** How long a new connection may send nothing. */
const FIRST_BYTE_MS = 60_000;
/** The first byte of a TLS connection. */
const TLS_HANDSHAKE = 0x16;

/** The handlers of a loopback server. */
interface LoopbackWork {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onUpgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
  /** For TLS clients that ask for no name, as those that connect to an address. */
  readonly certified: { readonly cert: string; readonly key: string };
  /** For the name that a TLS client asks for. */
  readonly secureContextFor: (servername: string) => SecureContext;
}

/** Serves HTTP/1.1 on 127.0.0.1 and ::1, plain and over TLS on the same port; on a free port for 0. Rejects when the port is not available. */
export async function serveLoopback(port: number, work: LoopbackWork): Promise<LoopbackServer> {
  const { onRequest, onUpgrade, certified, secureContextFor } = work;
  const options = {
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
    noDelay: true,
  };
  const plain = createServer(options, onRequest);
  const secure = createSecureServer(
    {
      ...options,
      ...certified,
      minVersion: "TLSv1.2",
      ALPNProtocols: ["http/1.1"],
      SNICallback: (name, take) => take(null, secureContextFor(name)),
    },
    onRequest,
  );
  for (const server of [plain, secure]) {
    server.on("upgrade", onUpgrade);
    server.on("error", () => {});
  }
  secure.on("tlsClientError", (_error, socket) => socket.destroy());
  const sockets = new Set<Socket>();
  const accept = (socket: Socket) => {
    if (sockets.size >= MAX_CONNECTIONS) return void socket.destroy();
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    passOn(socket, plain, secure);
  };
  const first = await listen("127.0.0.1", port, accept);
  const bound = (first.address() as { port: number }).port;
  // Names below localhost often lead to ::1, where no other program of this host may listen in the server's place.
  const second = await listen("::1", bound, accept).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT") return null;
    first.close();
    throw error;
  });
  const close = () => {
    first.close();
    second?.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: bound, close };
}

function listen(host: string, port: number, accept: (socket: Socket) => void): Promise<NetServer> {
  const listener = createNetServer({ noDelay: true }, accept);
  return new Promise((resolve, reject) => {
    listener.once("error", reject);
    listener.listen({ port, host, exclusive: true, ipv6Only: true }, () => {
      listener.off("error", reject);
      listener.on("error", () => {});
      resolve(listener);
    });
  });
}

/** Gives a new connection to one of two servers, by its first byte. */
function passOn(socket: Socket, plain: Server, secure: Server): void {
  const onError = () => socket.destroy();
  socket.on("error", onError);
  socket.setTimeout(FIRST_BYTE_MS, onError);
  const onReadable = () => {
    const first = socket.read(1) as Buffer | null;
    if (first === null) return;
    socket.off("readable", onReadable).off("error", onError).off("timeout", onError).setTimeout(0);
    socket.unshift(first);
    (first[0] === TLS_HANDSHAKE ? secure : plain).emit("connection", socket);
  };
  socket.on("readable", onReadable);
}
