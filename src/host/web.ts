import { Agent as HttpAgent, type IncomingHttpHeaders, type IncomingMessage, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps, type RequestOptions } from "node:https";

import { proxyFor, tunnelThrough } from "./proxy-tunnel.js";

/** One request to a server of the internet or of this host. */
export interface WebRequest {
  readonly method?: "GET" | "HEAD" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export interface WebResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Must be read to its end or destroyed. */
  readonly body: IncomingMessage;
}

/** How long a server may be silent. */
const SILENCE_MS = 30_000;
const MOST_CONNECTIONS = 8;

/** An HTTP client with its own connections and certificate authorities, which uses the proxy that the variables name. Follows no redirect. */
export class WebClient {
  readonly #http = new HttpAgent({ keepAlive: true, maxSockets: MOST_CONNECTIONS });
  readonly #https: HttpsAgent;
  readonly #certificates: string[];
  readonly #variables: NodeJS.ProcessEnv;
  readonly #silenceMs: number;

  constructor(certificates: readonly string[], variables: NodeJS.ProcessEnv, silenceMs = SILENCE_MS) {
    this.#silenceMs = silenceMs;
    this.#certificates = [...certificates];
    this.#variables = variables;
    this.#https = new HttpsAgent({ keepAlive: true, maxSockets: MOST_CONNECTIONS, ca: this.#certificates });
  }

  /** Sends a request and returns the head of its answer. Rejects with the error of the system, of TLS or of the proxy. */
  async request(url: URL, { method = "GET", headers = {}, body, signal }: WebRequest): Promise<WebResponse> {
    const timeoutMs = this.#silenceMs;
    const options: RequestOptions = { method, headers, signal, timeout: timeoutMs };
    const proxy = url.protocol === "https:" ? proxyFor(url, this.#variables) : null;
    if (proxy) {
      options.agent = false;
      const socket = await tunnelThrough(proxy, url, { signal, ca: this.#certificates, timeoutMs });
      options.createConnection = () => socket;
    } else options.agent = url.protocol === "https:" ? this.#https : this.#http;
    return new Promise((resolve, reject) => {
      const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, options, (response) => {
        request.on("timeout", () => response.destroy(silence(timeoutMs)));
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response });
      });
      request.on("timeout", () => request.destroy(silence(timeoutMs)));
      request.on("error", reject);
      request.end(body);
    });
  }

  /** Ends idle connections. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

function silence(ms: number): Error {
  return Object.assign(new Error(`it has sent nothing for ${ms / 1000} seconds`), { code: "ETIMEDOUT" });
}
