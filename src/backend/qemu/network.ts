import { createHash } from "node:crypto";

import { z } from "zod";

import { parseNetworkRange } from "../../contract/network.js";
import { trustEnv } from "../../guest/trust.js";
import type { GuestNetwork } from "../../guest/wake.js";
import type { TrustedCertificate } from "../../host/trust.js";
import type { NetworkForward, NetworkRequest, NetworkRules } from "../backend.js";
import { rewriteHostEnv } from "./host-env.js";

/** The host's settings for a VM's network. */
export interface HostNetwork {
  readonly resolvers: readonly string[];
  readonly hasIpv6: boolean;
  /** Certificate authorities that the guest is to trust. */
  readonly hostCa: readonly TrustedCertificate[];
}

/** The same schema on disk, so that a later daemon can show the network that an earlier one set up. */
export const networkPlan = z.object({
  guest: z.object({
    mac: z.string(),
    mtu: z.number(),
    address4: z.string(),
    prefix4: z.number(),
    gateway4: z.string(),
    v6: z.object({ address: z.string(), prefix: z.number(), gateway: z.string() }).nullable(),
    resolvers: z.array(z.string()),
  }),
  allow: z.array(z.string()),
  deny: z.array(z.string()).default([]),
  allowHosts: z.array(z.string()),
  forwards: z.array(z.object({ port: z.number(), to: z.string() })),
  env: z.record(z.string(), z.string()),
  aptSources: z.string().nullable(),
  hostCa: z
    .array(
      z.object({
        subject: z.string(),
        fingerprint: z.string(),
        expiresAt: z.string(),
        pem: z.string(),
        subjectHash: z.string().nullable().default(null),
      }),
    )
    .default([]),
  /** The addresses of the host's resolvers, in the order of the guest's addresses that lead to them. */
  resolvers: z.array(z.string()),
});

/** A VM's network, decided before it starts. */
export interface NetworkPlan extends NetworkRules {
  readonly guest: GuestNetwork;
  readonly forwards: readonly NetworkForward[];
  readonly env: Readonly<Record<string, string>>;
  readonly aptSources: string | null;
  readonly hostCa: readonly TrustedCertificate[];
  readonly resolvers: readonly string[];
}

const MTU = 65_520;
/** Prefix length of a network of two addresses: gateway and guest. */
const PREFIX4 = 30;
/** 198.18.0.0/15, a range reserved for benchmarks, is divided into this many pieces of 16 addresses. */
const NETWORKS4 = 8_192;
/** The number of the first address after that network: these addresses stand for the host's resolvers. */
const FIRST_RESOLVER = 5;

/** Derives a VM's addresses from its id, and the forwards of its gateway. Pure. */
export function planNetwork(
  id: string,
  { allow, deny, allowHosts, hostEnv }: NetworkRequest,
  host: HostNetwork,
): NetworkPlan {
  const digest = createHash("sha256").update(id).digest();
  const network = digest.readUInt16BE(0) % NETWORKS4;
  const address4 = (offset: number) =>
    `198.${18 + (network >> 12)}.${(network >> 4) & 255}.${((network & 15) << 4) + offset}`;
  const [a, b] = [digest.readUInt16BE(2).toString(16), digest.readUInt16BE(4).toString(16)];
  const { env, forwards } = rewriteHostEnv(hostEnv, address4(1));
  const { PYRO_DEBIAN_MIRROR: mirror, ...proxies } = env;
  return {
    guest: {
      mac: ["02", "70", "79", ...[6, 7, 8].map((at) => digest.toString("hex", at, at + 1))].join(":"),
      mtu: MTU,
      address4: address4(2),
      prefix4: PREFIX4,
      gateway4: address4(1),
      v6: host.hasIpv6 ? { address: `fd70:7972:${a}:${b}::2`, prefix: 64, gateway: `fd70:7972:${a}:${b}::1` } : null,
      resolvers: host.resolvers.map((_, index) => address4(FIRST_RESOLVER + index)),
    },
    ...{ allow, deny, allowHosts },
    forwards: withLoopback(forwards, allow),
    env: { ...(host.hostCa.length > 0 ? trustEnv : {}), ...proxies },
    aptSources: mirror !== undefined && isAptSources(mirror) ? mirror : null,
    hostCa: host.hostCa,
    resolvers: host.resolvers,
  };
}

/** The same network with other rules. Forwards of the host's proxies stay, those of opened loopback ports follow the rules. Pure. */
export function planRules(plan: NetworkPlan, { allow, deny, allowHosts }: NetworkRules): NetworkPlan {
  const opened = plan.allow.flatMap(forwardOf);
  const isOpened = (forward: NetworkForward) =>
    opened.some(({ port, to }) => port === forward.port && to === forward.to);
  const forwards = withLoopback(
    plan.forwards.filter((forward) => !isOpened(forward)),
    allow,
  );
  return { ...plan, allow, deny, allowHosts, forwards };
}

function withLoopback(forwards: readonly NetworkForward[], allow: readonly string[]): NetworkForward[] {
  return [...forwards, ...allow.flatMap(forwardOf).filter(({ port }) => !forwards.some((of) => of.port === port))];
}

/** Only whole lines work for the guest's apt: a bare URL names no suite. */
function isAptSources(mirror: string): boolean {
  return mirror.split("\n").every((line) => line.trim() === "" || /^deb\s.*https?:/.test(line));
}

/** A guest has its own loopback: it reaches a port of the host's through the gateway. */
function forwardOf(allowed: string): NetworkForward[] {
  const range = parseNetworkRange(allowed);
  if (range === null || range.port === null) return [];
  const { cidr, port } = range;
  if (/^127\.[\d.]+(\/32)?$/.test(cidr)) return [{ port, to: `${cidr.replace("/32", "")}:${port}` }];
  return cidr === "::1" || cidr === "::1/128" ? [{ port, to: `[::1]:${port}` }] : [];
}

/** The part of the plan that is sent to the gate. Pure. */
export function buildGateArgs(plan: NetworkPlan): string[] {
  const { guest, resolvers } = plan;
  return [
    ...["--guest4", guest.address4],
    ...(guest.v6 ? ["--guest6", guest.v6.address] : []),
    ...resolvers.flatMap((address) => ["--resolver", address.includes(":") ? `[${address}]:53` : `${address}:53`]),
    ...rulesOf(plan).flatMap(([word, value]) => [`--${word}`, value]),
  ];
}

/** The rules of the plan as the gate reads them while it runs. Pure. */
export function renderRules(plan: NetworkPlan): string {
  return `${rulesOf(plan)
    .map((rule) => `${rule.join(" ")}\n`)
    .join("")}end\n`;
}

function rulesOf({ allow, deny, allowHosts, forwards }: NetworkPlan): (readonly [string, string])[] {
  return [
    ...allow.map((range) => ["allow", range] as const),
    ...deny.map((range) => ["deny", range] as const),
    ...allowHosts.map((pattern) => ["allow-host", pattern] as const),
    ...forwards.map(({ port, to }) => ["forward", `${port}=${to}`] as const),
  ];
}
