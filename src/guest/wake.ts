import { randomBytes } from "node:crypto";

import type { Channel } from "./channel.js";

const ENTROPY_BYTES = 64;

/**
 * Makes a clone somebody of its own: fresh entropy, the host's clock, a hostname and a machine id.
 * Comes before any command, since all clones of a template wake with the same memory.
 */
export async function wake(channel: Channel, hostname: string): Promise<void> {
  const now = Date.now();
  await channel.request("wake", {
    entropy: randomBytes(ENTROPY_BYTES).toString("base64"),
    time_s: Math.floor(now / 1000),
    time_ns: (now % 1000) * 1_000_000,
    hostname,
    machine_id: randomBytes(16).toString("hex"),
  });
}
