import type { Channel } from "../../guest/channel.js";
import { runBriefly } from "../../guest/run-for-exit.js";
import { wake } from "../../guest/wake.js";

/**
 * Commands that run once before freezing, so that the pages that every clone needs first are in memory already. A program that an
 * environment lacks does no harm. docs/decisions/0023 has the gain of each command.
 */
export const warmUpCommands = [
  "true",
  "sh -c true; ls / >/dev/null; cat /dev/null; uname -a >/dev/null",
  "git --version",
  "python3 -c 1",
  "node -e 0",
] as const;

/** Has the length of a VM's name, so that a clone that wakes overwrites the files with its name in place. */
const TEMPLATE_HOSTNAME = "vm-000000000000";

/** Runs the warm-up commands in the guest until one does not end, then marks its agent as not woken. */
export async function warmUp(channel: Channel, signal: AbortSignal): Promise<void> {
  await wake(channel, TEMPLATE_HOSTNAME);
  for (const command of warmUpCommands) if ((await runBriefly(channel, command, { signal })) === null) break;
  await channel.request("sync");
  await channel.request("freeze");
}
