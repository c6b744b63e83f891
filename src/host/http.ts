import { request, type ClientRequest } from "node:http";
import type { Duplex } from "node:stream";

export type { ClientRequest, IncomingMessage, Server, ServerResponse } from "node:http";

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

/** A request to a server on 127.0.0.1, or over a connection that `connect` opens, whose body the caller writes. */
export function sendRequest(
  to: { readonly port: number } | { readonly connect: () => Duplex },
  { method, path, headers }: { method: string; path: string; headers: Readonly<Record<string, string | string[]>> },
): ClientRequest {
  // An agent would open a connection of its own.
  const way = "port" in to ? { host: "127.0.0.1", port: to.port, agent: false } : { createConnection: to.connect };
  return request({ ...way, method, path, headers });
}
