import { PyroError } from "../contract/errors.js";
import type { WorkspaceEntry } from "../contract/workspace.js";
import { type Entry, UNHASHED } from "./entry.js";

const NOTHING = { mode: null, size_bytes: null, sha256: null, target: null };

/** An entry in the contract's form. */
export function toContract(entry: Entry | null): WorkspaceEntry {
  if (entry === null) return null;
  const { type } = entry;
  if (type === "link") return { ...NOTHING, type, target: entry.target };
  if (type === "directory") return { ...NOTHING, type, mode: entry.mode };
  return {
    ...NOTHING,
    type,
    mode: entry.mode,
    size_bytes: entry.sizeBytes,
    sha256: entry.digest === UNHASHED ? null : entry.digest,
  };
}

/** The same for an entry that may be a file whose digest is not known yet. */
export function fromLazyContract(entry: WorkspaceEntry): Entry | null {
  return fromContract(entry?.type === "file" && entry.sha256 === null ? { ...entry, sha256: UNHASHED } : entry);
}

/** Throws INVALID_ARGUMENT for an entry that lacks a field of its type. */
export function fromContract(entry: WorkspaceEntry): Entry | null {
  if (entry === null) return null;
  const { type, mode, size_bytes: sizeBytes, sha256: digest, target } = entry;
  if (type === "link" && target !== null) return { type, target };
  if (type === "directory" && mode !== null) return { type, mode };
  if (type === "file" && mode !== null && sizeBytes !== null && digest !== null)
    return { type, mode, sizeBytes, digest };
  throw new PyroError("INVALID_ARGUMENT", `An entry of type ${type} lacks a field.`);
}
