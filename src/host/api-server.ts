import { Agent as HttpAgent, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps, type RequestOptions } from "node:https";
import type { ConnectionOptions } from "node:tls";
import { callbackify } from "node:util";

import { WebSocket } from "ws";

import { tunnelThrough } from "./proxy-tunnel.js";

/** Where a server is, how it proves who it is, and how this host does. */
export interface ServerIdentity {
  readonly url: URL;
  /** `ca`, `cert` and `key` in PEM, `servername`, and `rejectUnauthorized`. */
  readonly tls: Pick<ConnectionOptions, "ca" | "cert" | "key" | "servername" | "rejectUnauthorized">;
  readonly proxy: URL | null;
}

export interface ApiRequest {
  readonly method: "DELETE" | "GET" | "PATCH" | "POST";
  /** Path and query, behind the path of the server's URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ApiResponse {
  readonly status: number;
  readonly text: string;
  /** The server's clock in milliseconds of the epoch; NaN when it does not say. */
  readonly dateMs: number;
}

/** How long a server may be silent. */
const SILENCE_MS = 30_000;
/** The largest answer: a list of ten thousand pods has some 60 MB. */
const MAX_BYTES = 256 << 20;
const MAX_CONNECTIONS = 32;
const MAX_MESSAGE_BYTES = 64 << 20;

/** A server with an API of JSON and WebSockets, and certificates of its own. */
export class ApiServer implements Disposable {
  readonly #identity: ServerIdentity;
  readonly #agent: HttpAgent;

  constructor(identity: ServerIdentity) {
    this.#identity = identity;
    const options = { keepAlive: true, maxSockets: MAX_CONNECTIONS, ...identity.tls };
    this.#agent = identity.url.protocol === "https:" ? new HttpsAgent(options) : new HttpAgent(options);
    if (identity.proxy !== null) routeThrough(this.#agent, identity, identity.proxy);
  }

  /** Sends a request and reads its answer, whatever its status is. Rejects with the error of the system, of TLS or of the proxy. */
  request(given: ApiRequest): Promise<ApiResponse> {
    const { method, path, headers, body, signal } = given;
    const options: RequestOptions = { method, headers, agent: this.#agent, timeout: SILENCE_MS };
    if (signal) options.signal = signal;
    return new Promise((resolve, reject) => {
      const send = this.#identity.url.protocol === "https:" ? requestHttps : requestHttp;
      const request = send(this.#at(path), options, (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          bytes += chunk.length;
          if (bytes > MAX_BYTES) response.destroy(new Error("its answer is too large"));
        });
        response.once("end", () => {
          const { statusCode = 0, headers: said } = response;
          resolve({ status: statusCode, text: String(Buffer.concat(chunks)), dateMs: Date.parse(said.date ?? "") });
        });
        response.once("error", reject);
      });
      request.on("timeout", () => request.destroy(silence()));
      request.on("error", (error: NodeJS.ErrnoException) => {
        // The server had closed an idle connection: it has seen nothing of the request.
        if (request.reusedSocket && error.code === "ECONNRESET") resolve(this.request(given));
        else reject(error);
      });
      request.end(body);
    });
  }

  /** A WebSocket that is being opened; it ends with an error, or with `unexpected-response`, when the server refuses it. */
  openWebSocket(path: string, protocols: readonly string[], headers: ApiRequest["headers"]): WebSocket {
    const url = this.#at(path);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    return new WebSocket(url, [...protocols], {
      agent: this.#agent,
      headers,
      handshakeTimeout: SILENCE_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
  }

  /** Ends idle connections. */
  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  /** The server's own path stays: gateways serve several clusters beneath one name. */
  #at(path: string): URL {
    const { url } = this.#identity;
    return new URL(`${url.origin}${url.pathname.replace(/\/$/, "")}${path}`);
  }
}

/** Makes the connections of an agent through a proxy. */
function routeThrough(agent: HttpAgent, { url, tls }: ServerIdentity, proxy: URL): void {
  const { signal } = new AbortController();
  const open = (_options: unknown) => tunnelThrough(proxy, url, { signal, tls, timeoutMs: SILENCE_MS });
  Object.assign(agent, { createConnection: callbackify(open) });
}

function silence(): Error {
  return Object.assign(new Error(`it has sent nothing for ${SILENCE_MS / 1000} seconds`), { code: "ETIMEDOUT" });
}
