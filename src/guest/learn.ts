import type { Channel } from "./channel.js";

/** The digest of content that the guest has sent, with its stamp. */
export interface Learned {
  readonly stamp: string;
  readonly sha256: string;
}

/** Maximum digests in one request. */
const BATCH = 100;

/** Gives the guest's agent digests of files that it has sent, so that it need not hash them for a list. */
export async function learn(channel: Channel, files: readonly Learned[]): Promise<void> {
  if (channel.hello.learns !== true) return;
  for (let start = 0; start < files.length; start += BATCH) {
    await channel.request("learn", { files: files.slice(start, start + BATCH) });
  }
}
