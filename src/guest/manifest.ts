import { PyroError } from "../contract/errors.js";
import type { Channel } from "./channel.js";
import { list, type ListedEntry } from "./listing.js";

/** Entries by path, each directory before what is in it, in the order of a list. */
export type Manifest = ReadonlyMap<string, ListedEntry>;

/**
 * What lies in a directory of a guest, with the digest of each file: the directory itself is `.`. The agent reads only files that have
 * changed since it was last asked. Throws AgentRefusal, and RESOURCE_EXHAUSTED when there are more than `maxEntries`; the channel closes
 * with AGENT_PROTOCOL when the guest tells of entries in what is no directory.
 */
export async function readManifest(channel: Channel, path: string, maxEntries: number): Promise<Manifest> {
  const manifest = new Map<string, ListedEntry>();
  for await (const entry of list(channel, path, { hasDigests: true })) {
    if (manifest.size === maxEntries) throw tooMany(path, maxEntries);
    if (!hasParent(manifest, entry)) throw lied(channel);
    manifest.set(entry.path, entry);
  }
  return manifest;
}

function hasParent(manifest: Manifest, { path }: ListedEntry): boolean {
  const slash = path.lastIndexOf("/");
  const parent = manifest.get(slash === -1 ? "." : path.slice(0, slash));
  return path === "." ? manifest.size === 0 : parent?.type === "directory" && !parent.isMount;
}

function tooMany(path: string, maxEntries: number): PyroError {
  return new PyroError("RESOURCE_EXHAUSTED", `${path} in the guest has more than ${maxEntries} entries.`, {
    hint: "Remove what is not needed there, or ask for a part of it.",
    details: { path, max_entries: maxEntries },
  });
}

function lied(channel: Channel): PyroError {
  const error = new PyroError("AGENT_PROTOCOL", "The guest told of files in what is no directory.");
  channel.close(error);
  return error;
}
