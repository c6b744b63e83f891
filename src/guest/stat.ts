import { z } from "zod";

import type { Channel } from "./channel.js";
import { count } from "./messages.js";
import { buildFile, type GuestFile, parseName } from "./names.js";

const stated = z.object({
  type: z.enum(["file", "directory", "symlink", "other"]),
  mode: z.number().int().min(0).max(0o7777),
  size: count,
  mtime_s: z.number().int(),
  mtime_ns: count,
  target: z.string().max(4_095).optional(),
  target_base64: z.base64().max(8_190).optional(),
  free_bytes: count,
  free_inodes: count,
});
export type Stated = Omit<z.infer<typeof stated>, "target"> & { readonly target: string | null };

/**
 * The facts of a path in the guest, links not followed, and the room left on its file system. Throws the agent's refusal (IO, ENOENT).
 */
export async function stat(channel: Channel, file: GuestFile): Promise<Stated> {
  const answer = await channel.ask("stat", buildFile(file), stated);
  return { ...answer, target: parseName(answer.target, answer.target_base64) };
}
