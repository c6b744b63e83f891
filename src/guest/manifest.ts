import { PyroError } from "../contract/errors.js";
import type { Channel } from "./channel.js";
import { list, type ListedEntry } from "./listing.js";

/** Entries by path, each directory before its entries, in the order of a list. */
export type Manifest = ReadonlyMap<string, ListedEntry>;

/**
 * Reads the manifest of a guest's directory: all entries, with the digest of each file. The directory itself is `.`. The agent hashes
 * only files that changed since the last manifest. Throws AgentRefusal, and RESOURCE_EXHAUSTED for more than `maxEntries`; the channel
 * closes with AGENT_PROTOCOL if an entry's parent is not a directory.
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
    hint: "Remove files that are not needed, or name a directory beneath it.",
    details: { path, max_entries: maxEntries },
  });
}

function lied(channel: Channel): PyroError {
  const error = new PyroError("AGENT_PROTOCOL", "The guest listed files in an entry that is not a directory.");
  channel.close(error);
  return error;
}
