import type { NetworkForward } from "../backend.js";

/** Proxy settings as a guest can use them. */
export interface GuestEnv {
  readonly env: Readonly<Record<string, string>>;
  /** The gateway's ports through which the addresses in these settings are reached. */
  readonly forwards: readonly NetworkForward[];
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "socks5:": 1080,
  "socks5h:": 1080,
};
/** When two addresses have the same port, the second gets one of these. */
const FIRST_SPARE_PORT = 20_000;
/** A URL with an address for a host, wherever it stands: a mirror may be a whole line for apt. */
const URL_WITH_ADDRESS =
  /\b([a-z0-9]+:)\/\/((?:[^\s/@]+@)?)(localhost|\d+(?:\.\d+){3}|\[[0-9a-f:.]+\])(?::(\d{1,5}))?/gi;

/**
 * Rewrites the host's proxy settings for a guest: an address becomes the gateway's, with a port that leads to exactly that
 * address and port. Host names are not changed, and are reached like any other name. Pure.
 */
export function rewriteHostEnv(hostEnv: Readonly<Record<string, string>>, gateway: string): GuestEnv {
  const forwards: NetworkForward[] = [];
  const portTo = (to: string, wanted: number): number => {
    const known = forwards.find((forward) => forward.to === to);
    if (known) return known.port;
    const isTaken = forwards.some(({ port }) => port === wanted);
    const port = isTaken ? FIRST_SPARE_PORT + forwards.length : wanted;
    forwards.push({ port, to });
    return port;
  };
  const rewrite = (text: string) =>
    text.replaceAll(URL_WITH_ADDRESS, (_, scheme: string, user: string, host: string, digits: string | undefined) => {
      const port = digits === undefined ? (DEFAULT_PORTS[scheme.toLowerCase()] ?? 80) : Number(digits);
      const address = host.toLowerCase() === "localhost" ? "127.0.0.1" : host;
      return `${scheme}//${user}${gateway}:${portTo(`${address}:${port}`, port)}`;
    });
  const entries = Object.entries(hostEnv).map(([name, value]) => [name, isList(name) ? value : rewrite(asUrl(value))]);
  return { env: Object.fromEntries(entries) as Record<string, string>, forwards };
}

function isList(name: string): boolean {
  return name.toLowerCase() === "no_proxy";
}

/** `127.0.0.1:3128` is how some write a proxy. */
function asUrl(value: string): string {
  return /^[^\s/]+:\d+\/?$/.test(value) ? `http://${value}` : value;
}
