import { once } from "node:events";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * The proxy for an https URL, by the variables that curl reads: `https_proxy`, `all_proxy` and `no_proxy`. Null for a direct
 * connection.
 */
export function proxyFor(url: URL, variables: NodeJS.ProcessEnv): URL | null {
  const value = (name: string) => variables[name] ?? variables[name.toUpperCase()] ?? "";
  const host = url.hostname.toLowerCase().replace(/^\[|\]$/g, "");
  if (isLoopbackName(host)) return null;
  const left = value("no_proxy").split(/[\s,]+/);
  if (left.some((name) => matches(host, name.toLowerCase()))) return null;
  const proxy = value("https_proxy") || value("all_proxy");
  if (proxy === "") return null;
  const parsed = parseUrl(proxy.includes("://") ? proxy : `http://${proxy}`);
  return parsed && /^https?:$/.test(parsed.protocol) ? parsed : null;
}

/** Null for text that is not an absolute URL, or not a URL relative to `base`. */
export function parseUrl(text: string, base?: string): URL | null {
  return URL.canParse(text, base) ? new URL(text, base) : null;
}

/** Whether a host's name or address is this host's loopback. */
export function isLoopbackName(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

interface TunnelOptions {
  readonly signal: AbortSignal;
  /** For the proxy, and for the host behind it unless `tls` has others. */
  readonly ca?: string[] | undefined;
  readonly tls?: ConnectionOptions;
  readonly timeoutMs: number;
}

/** A connection to a URL's host, with TLS, through a proxy. */
export async function tunnelThrough(
  proxy: URL,
  url: URL,
  { signal, ca, tls = {}, timeoutMs }: TunnelOptions,
): Promise<TLSSocket> {
  const target = `${url.hostname}:${url.port || 443}`;
  const login = decodeURIComponent(`${proxy.username}:${proxy.password}`);
  const headers = {
    host: target,
    ...(proxy.username !== "" && { "proxy-authorization": `Basic ${Buffer.from(login).toString("base64")}` }),
  };
  const send = proxy.protocol === "https:" ? requestHttps : requestHttp;
  const { hostname, port } = proxy;
  const socket = await new Promise<Socket>((resolve, reject) => {
    const options = {
      method: "CONNECT",
      hostname,
      port,
      path: target,
      headers,
      signal,
      timeout: timeoutMs,
      ...(ca && { ca }),
    };
    const request = send({ ...options, agent: false });
    request.on("connect", ({ statusCode }, tunnel) => {
      if (statusCode === 200) return resolve(tunnel as Socket);
      tunnel.destroy();
      reject(proxyError(`the proxy ${proxy.host} refused the connection with status ${statusCode}`));
    });
    request.on("timeout", () => request.destroy(proxyError(`the proxy ${proxy.host} does not answer`)));
    request.on("error", (error) => {
      const isOwn = signal.aborted || (error as NodeJS.ErrnoException).code === "EPROXY";
      reject(isOwn ? error : proxyError(`the proxy ${proxy.host} cannot be reached: ${error.message}`, error));
    });
    request.end();
  });
  const secured = connect({ socket, servername: url.hostname, ...(ca && { ca }), ...tls });
  try {
    await secure(secured, url.hostname, { signal, timeoutMs });
    return secured;
  } catch (error) {
    secured.destroy();
    socket.destroy();
    throw signal.aborted ? signal.reason : error;
  }
}

/** Waits for the end of the handshake, with a host that may be silent. */
async function secure(
  socket: TLSSocket,
  host: string,
  limits: { signal: AbortSignal; timeoutMs: number },
): Promise<void> {
  const { signal, timeoutMs } = limits;
  // Errors after the handshake are those of the request.
  socket.on("error", () => {});
  const settled = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: settled.signal }).then(() => {
    const message = `${host} beyond the proxy has not answered for ${timeoutMs / 1000} seconds`;
    throw Object.assign(new Error(message), { code: "ETIMEDOUT" });
  });
  const closed = once(socket, "close", { signal: settled.signal }).then(() => {
    throw proxyError(`the proxy closed the connection to ${host}`);
  });
  try {
    await Promise.race([once(socket, "secureConnect", { signal }), late, closed]);
  } finally {
    settled.abort();
    late.catch(() => {});
    closed.catch(() => {});
  }
}

function matches(host: string, name: string): boolean {
  if (name === "*") return true;
  const suffix = name.replace(/:\d+$/, "").replace(/^\*?\./, "");
  return suffix !== "" && (host === suffix || host.endsWith(`.${suffix}`));
}

function proxyError(message: string, cause?: Error): Error {
  return Object.assign(new Error(message, { cause }), { code: "EPROXY" });
}
