import { randomBytes } from "node:crypto";

import type { Channel } from "./channel.js";

const ENTROPY_BYTES = 64;

/** A guest's network configuration, which the agent sets up. */
export interface GuestNetwork {
  readonly mac: string;
  readonly mtu: number;
  readonly address4: string;
  readonly prefix4: number;
  readonly gateway4: string;
  /** Null when the host has no IPv6. */
  readonly v6: { readonly address: string; readonly prefix: number; readonly gateway: string } | null;
  readonly resolvers: readonly string[];
}

/**
 * Gives a clone its own identity: fresh entropy, the host's clock, a hostname, a machine id and its network addresses.
 * The first request of every clone, since all clones of a template start with the same memory. Without a hostname, the guest's files keep
 * their names.
 */
export async function wake(
  channel: Channel,
  hostname: string | null,
  network: GuestNetwork | null = null,
): Promise<void> {
  const now = Date.now();
  await channel.request("wake", {
    entropy: randomBytes(ENTROPY_BYTES).toString("base64"),
    time_s: Math.floor(now / 1000),
    time_ns: (now % 1000) * 1_000_000,
    ...(hostname === null ? {} : { hostname, machine_id: randomBytes(16).toString("hex") }),
    ...(network ? { network: renderNetwork(network) } : {}),
  });
}

function renderNetwork({ v6, mac, mtu, address4, prefix4, gateway4, resolvers }: GuestNetwork) {
  const of6 = v6 ? { address6: v6.address, prefix6: v6.prefix, gateway6: v6.gateway } : {};
  return { mac, mtu, address4, prefix4, gateway4, ...of6, resolvers };
}
