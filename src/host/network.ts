import { networkInterfaces } from "node:os";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";

const MAX_RESOLVERS = 3;

/** The host's DNS servers, as the C library reads them; the loopback when none is configured. */
export async function readResolvers(path = "/etc/resolv.conf"): Promise<string[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  const named = text.split("\n").flatMap((line) => /^nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
  const usable = named.filter((address) => isIP(address) !== 0).slice(0, MAX_RESOLVERS);
  return usable.length > 0 ? usable : ["127.0.0.1"];
}

/** True when the host has an IPv6 address that reaches beyond one wire. */
export function hasIpv6(): boolean {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.some(({ family, internal, address }) => family === "IPv6" && !internal && !/^fe[89ab]/i.test(address));
}
