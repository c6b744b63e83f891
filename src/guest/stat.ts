import { z } from "zod";

import type { Channel } from "./channel.js";
import { count } from "./messages.js";

const stated = z.object({
  type: z.enum(["file", "directory", "symlink", "other"]),
  mode: z.number().int().min(0).max(0o7777),
  size: count,
  mtime_s: z.number().int(),
  mtime_ns: count,
  free_bytes: count,
  free_inodes: count,
});
export type Stated = z.infer<typeof stated>;

/** What lies at a path of the guest, links not followed, and the room left on its file system. Throws the agent's refusal (IO, ENOENT). */
export function stat(channel: Channel, path: string): Promise<Stated> {
  return channel.ask("stat", { path }, stated);
}
