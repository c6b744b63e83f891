import type { Channel } from "../../guest/channel.js";
import type { BriefEntry } from "../../guest/listing.js";
import { readManifest } from "../../guest/manifest.js";
import { isUtf8Name } from "../../guest/names.js";
import { limits } from "../../contract/limits.js";
import { type Entry, UNHASHED } from "../../workspace/entry.js";
import { WORKSPACE } from "./destination.js";

/** An emulated guest hashes 27 MB/s: the host hashes longer files when they arrive. */
export const HASHED_BYTES = 1_048_576;

/** The entries of a workspace, by kind. */
export interface Workspace {
  readonly manifest: ReadonlyMap<string, Entry>;
  /** Directories on which the guest has mounted a file system: the agent does not read them. */
  readonly mounts: readonly string[];
  /** Sockets, FIFOs, devices, and names that are not UTF-8. */
  readonly unsupported: readonly string[];
}

/**
 * Asks the agent what lies in the workspace. A file that changes while it is read has a digest that equals no other. One that is longer
 * than `hashBytes` and that the agent has not hashed before is UNHASHED.
 */
export async function readWorkspace(channel: Channel, hashBytes: number | null = null): Promise<Workspace> {
  const manifest = new Map<string, Entry>();
  const mounts: string[] = [];
  const unsupported: string[] = [];
  for (const [path, listed] of await readManifest(channel, WORKSPACE, limits.importEntries, undefined, hashBytes)) {
    if (path === ".") continue;
    if (listed.isMount) mounts.push(path);
    const entry = isUtf8Name(path) ? toEntry(listed, hashBytes) : null;
    if (entry === null) unsupported.push(path);
    else manifest.set(path, entry);
  }
  return { manifest, mounts, unsupported };
}

function toEntry({ type, mode, sizeBytes, target, sha256 }: BriefEntry, hashBytes: number | null): Entry | null {
  if (type === "directory") return { type, mode: mode & 0o777 };
  const unknown = hashBytes !== null && sizeBytes > hashBytes ? UNHASHED : "";
  if (type === "file") return { type, mode: mode & 0o777, sizeBytes, digest: sha256 ?? unknown };
  return type === "symlink" && target !== null && isUtf8Name(target) ? { type: "link", target } : null;
}
