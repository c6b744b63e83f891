/** A file, directory or symbolic link, without its name. Modes are permission bits, without set-ID and sticky. */
export type Entry =
  | { readonly type: "file"; readonly mode: number; readonly sizeBytes: number; readonly digest: string }
  | { readonly type: "directory"; readonly mode: number }
  | { readonly type: "link"; readonly target: string };

/** In place of the digest of a file that was not hashed. It equals no digest. */
export const UNHASHED = "unhashed";

/** True for a file whose digest is not known yet. */
export function isUnhashed(entry: Entry | null): boolean {
  return entry?.type === "file" && entry.digest === UNHASHED;
}

/** The entries of a tree by path. Paths are relative, with `/` between their parts; the root has no entry. */
export type Manifest = ReadonlyMap<string, Entry>;

/** Whether both are absent, or have the same type, mode and content. */
export function isEqual(a: Entry | null, b: Entry | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.type === "file") return b.type === "file" && a.mode === b.mode && a.digest === b.digest;
  if (a.type === "directory") return b.type === "directory" && a.mode === b.mode;
  return b.type === "link" && a.target === b.target;
}

/** The directories that lead to a path, outermost first. */
export function* ancestorsOf(path: string): Generator<string> {
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) yield path.slice(0, at);
}

/** Orders paths so that a directory is right before its entries. */
export function byPath(a: string, b: string): number {
  const left = a.replaceAll("/", "\0");
  const right = b.replaceAll("/", "\0");
  return left < right ? -1 : left > right ? 1 : 0;
}
