import { PyroError } from "../contract/errors.js";
import type { Channel } from "./channel.js";
import { type BriefEntry, listBriefly } from "./listing.js";

/** Maximum length of all paths and link texts of a manifest together: it is held in memory. */
const MAX_CHARACTERS = 134_217_728;

/** Entries by path, each directory before its entries, in the order of a list. */
export type Manifest = ReadonlyMap<string, BriefEntry>;

/**
 * Reads the manifest of a guest's directory: all entries, with the digest of each file. The directory itself is `.`. The agent hashes
 * only files that changed since the last manifest, and none that is longer than `hashBytes`. Throws AgentRefusal, and RESOURCE_EXHAUSTED for more than `maxEntries`, or for paths that are too long together; the channel
 * closes with AGENT_PROTOCOL if an entry's parent is not a directory.
 */
export async function readManifest(
  channel: Channel,
  path: string,
  maxEntries: number,
  maxCharacters = MAX_CHARACTERS,
  hashBytes: number | null = null,
): Promise<Manifest> {
  const manifest = new Map<string, BriefEntry>();
  let characters = 0;
  for await (const entry of listBriefly(channel, path, { hasDigests: true, hashBytes })) {
    characters += entry.path.length + (entry.target?.length ?? 0);
    if (manifest.size === maxEntries || characters > maxCharacters) throw tooMany(path, { maxEntries, maxCharacters });
    if (!hasParent(manifest, entry)) throw lied(channel);
    manifest.set(entry.path, entry);
  }
  return manifest;
}

function hasParent(manifest: Manifest, { path }: BriefEntry): boolean {
  const slash = path.lastIndexOf("/");
  const parent = manifest.get(slash === -1 ? "." : path.slice(0, slash));
  return path === "." ? manifest.size === 0 : parent?.type === "directory" && !parent.isMount;
}

function tooMany(
  path: string,
  { maxEntries, maxCharacters }: { maxEntries: number; maxCharacters: number },
): PyroError {
  const limit = `${maxEntries} entries, or their paths have more than ${maxCharacters} characters`;
  return new PyroError("RESOURCE_EXHAUSTED", `${path} in the guest has more than ${limit}.`, {
    hint: "Remove files that are not needed, or name a directory beneath it.",
    details: { path, max_entries: maxEntries, max_characters: maxCharacters },
  });
}

function lied(channel: Channel): PyroError {
  const error = new PyroError("AGENT_PROTOCOL", "The guest listed files in an entry that is not a directory.");
  channel.close(error);
  return error;
}
