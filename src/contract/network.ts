import { z } from "zod";

import { time } from "./fields.js";

const plainAddress = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);

/** A range of addresses, and one port; null for all ports. */
export interface NetworkRange {
  readonly cidr: string;
  readonly port: number | null;
}

/** Reads `CIDR`, `CIDR:PORT` or `[CIDR]:PORT`; a single address is a range too. Null for any other text. */
export function parseNetworkRange(text: string): NetworkRange | null {
  const parts = /^\[([^\]]+)\](?::(\d+))?$/.exec(text) ?? /^([^:]+)(?::(\d+))?$/.exec(text);
  const [cidr, digits] = parts ? [parts[1]!, parts[2]] : [text, undefined];
  const port = digits === undefined ? null : Number(digits);
  if (!plainAddress.safeParse(cidr).success || port === 0 || (port ?? 0) > 65_535) return null;
  return { cidr, port };
}

const networkRange = z
  .string()
  .max(64)
  .refine((text) => parseNetworkRange(text) !== null, "expected CIDR, CIDR:PORT or [CIDR]:PORT");

const hostPattern = z
  .string()
  .max(253)
  .regex(/^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, "expected a name such as example.org, or *.example.org");

/** Options of a VM's network. */
export const networkFields = {
  network: z
    .boolean()
    .default(false)
    .describe("Connect the VM to a network; this host and private addresses stay closed."),
  network_allow: z
    .array(networkRange)
    .max(32)
    .default([])
    .describe("Open these closed ranges: CIDR, CIDR:PORT, [CIDR]:PORT."),
  network_deny: z
    .array(networkRange)
    .max(32)
    .default([])
    .describe("Close these ranges too, except where network_allow opens them.")
    .meta({ forPrograms: true }),
  network_allow_host: z
    .array(hostPattern)
    .max(64)
    .default([])
    .describe("Allow only these names, or *.NAME, over HTTP and TLS."),
  network_host_proxy: z
    .boolean()
    .default(false)
    .describe("Pass the host's proxy and apt settings to the VM, and allow their addresses."),
  network_host_ca: z
    .boolean()
    .default(false)
    .describe("Trust the host's additional certificate authorities; --network-host-proxy does too."),
  network_host_env: z
    .record(z.string().max(64), z.string().max(4096))
    .default({})
    .describe("The caller's proxy settings and certificate bundles to pass to the VM.")
    .meta({ hidden: true }),
};

/** The rules of a VM's network that can be replaced while it runs. */
export const networkRules = {
  network_allow: networkFields.network_allow,
  network_deny: networkFields.network_deny,
  network_allow_host: networkFields.network_allow_host,
};

/** A certificate authority that the host's distribution does not ship. */
export const certificateAuthority = z
  .object({
    subject: z.string(),
    fingerprint_sha256: z.string().describe("64 hex digits."),
    expires_at: time,
  })
  .meta({
    title: "CertificateAuthority",
    description: "A certificate authority that the host's distribution does not ship.",
  });

/** State of a VM's network. */
export const networkInfo = z
  .object({
    state: z.enum(["up", "down"]).describe("down: the gate process has ended, so no packet gets in or out."),
    mac: z.string(),
    mtu: z.int(),
    addresses: z.array(z.string()).describe("The guest's addresses, with the prefix length."),
    routes: z.array(z.object({ destination: z.string(), gateway: z.string() })),
    resolvers: z.array(z.string()).describe("DNS resolvers of the guest; each forwards to one of the host's."),
    policy: z.object({
      default: z
        .enum(["public", "names"])
        .describe("public: all except private, local and this host's addresses. names: only the names listed here."),
      allow_hosts: z.array(z.string()).describe("Names that may be reached."),
      allow: z.array(z.string()).describe("Further open ranges."),
      deny: z.array(z.string()).describe("Further closed ranges.").meta({ forPrograms: true }),
      forwards: z
        .array(z.object({ gateway_port: z.int(), to: z.string() }))
        .describe("Ports of the gateway that lead to an address of this host."),
    }),
    host_ca: z.array(certificateAuthority).describe("Certificate authorities of the host that the guest trusts."),
    counters: z
      .object({
        sent_bytes: z.int().describe("Payload bytes that the guest has sent."),
        received_bytes: z.int(),
        tcp_connections: z.int(),
        udp_flows: z.int(),
        refused: z.int().describe("Connections and first datagrams that the policy refused."),
      })
      .nullable()
      .describe("Null when it is down."),
    last_refused: z.array(
      z.object({
        protocol: z.enum(["tcp", "udp", "dns"]).describe("dns: a DNS query."),
        address: z.string(),
        port: z.int(),
        reason: z
          .enum(["closed_range", "host_address", "name", "too_many"])
          .describe("name: the guest requested no allowed name, or no allowed name resolves to this address."),
        name: z.string().nullable().describe("Name that the guest requested, if known."),
        times: z.int(),
        at: time,
      }),
    ),
  })
  .meta({ title: "NetworkInfo", description: "State, policy and refusals of a VM's network." });
