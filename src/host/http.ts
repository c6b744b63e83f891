import {
  createServer,
  request,
  type ClientRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";

export type { ClientRequest, IncomingMessage, Server, ServerResponse } from "node:http";

/** Serves HTTP on a unix socket that only this user may open (mode 0600 from the first instant). */
export async function serveUnix(
  path: string,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  // A call may upload for hours, so only its headers have a deadline.
  const server = createServer({ requestTimeout: 0 }, onRequest);
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
  return server;
}

/**
 * Starts a POST over a unix socket, on a connection of its own. The body is the caller's to write, and so is the
 * end of the connection: a server that closed first could lose the answer while the body is still being sent.
 */
export function openPost(socketPath: string, path: string, headers: Readonly<Record<string, string>>): ClientRequest {
  const fixed = { host: "pyro", connection: "keep-alive" };
  return request({ socketPath, path, method: "POST", headers: { ...headers, ...fixed }, agent: false });
}
