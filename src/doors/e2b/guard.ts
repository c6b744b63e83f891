import { timingSafeEqual, createHash } from "node:crypto";

import type { IncomingMessage } from "../../host/http.js";
import { Refusal } from "./answer.js";

const loopback4 = /^127(?:\.(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])){3}$/;

/** Compares secrets in a time that depends on neither. An empty secret never matches. */
export function isSameSecret(given: unknown, secret: string): boolean {
  if (typeof given !== "string" || secret === "") return false;
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(secret));
}

/** The token of a sandbox for servers in it. It opens nothing else. */
export function trafficTokenOf(token: string): string {
  return createHash("sha256").update(`traffic:${token}`).digest("hex");
}

/** The name in a `Host` header, without its port, in lower case. */
export function hostNameOf({ headers }: IncomingMessage): string {
  return (headers.host ?? "").replace(/:\d{1,5}$/, "").toLowerCase();
}

/** Throws 403 for a request whose `Host` is not a name of this host's loopback, as after DNS rebinding. */
export function assertLocal(request: IncomingMessage): void {
  const host = hostNameOf(request);
  const isLoopback = loopback4.test(host) || host === "[::1]";
  if (isLoopback || host === "localhost" || host.endsWith(".localhost")) return;
  throw new Refusal(403, `The host ${JSON.stringify(request.headers.host ?? "")} is not this gateway.`);
}

/** Throws 403 for a request that a web page has sent. */
export function assertNoPage({ headers }: IncomingMessage): void {
  if (headers.origin !== undefined) throw new Refusal(403, "Requests of web pages are refused.");
}
