import { isUtf8 } from "node:buffer";

import { applyPatch, parsePatch, reversePatch, type StructuredPatch } from "diff";

import { PyroError } from "../contract/errors.js";

/** The present file or link at a path of a patch. */
export type Patchable =
  | { readonly type: "file"; readonly mode: number; readonly bytes: Buffer }
  | { readonly type: "link"; readonly target: string };

/** A part of a patch that does not fit. */
export interface Reject {
  readonly path: string;
  readonly reason: "missing" | "exists" | "binary" | "not-a-file" | "too-large" | "does-not-fit";
  /** The headers of the hunks of this file: `@@ -1,3 +1,4 @@`. */
  readonly hunks: readonly string[];
}

/** The result of a patch for each named file; null for a removed entry. */
export interface Patched {
  readonly files: ReadonlyMap<string, Patchable | null>;
  readonly rejects: readonly Reject[];
}

/** The present entry of a path; null when there is none, or why it cannot be patched. */
export type ReadPatchable = (path: string) => Promise<Patchable | null | "not-a-file" | "too-large">;

interface FilePatch {
  readonly from: string | null;
  readonly to: string | null;
  readonly isCopy: boolean;
  readonly mode: string | undefined;
  readonly patch: StructuredPatch;
}

/**
 * The files that a patch names, with the patch applied: unified, with git's extensions or without. A file that does not fit is among
 * the rejects, and the others are patched all the same; the caller decides. Content is compared byte by byte, in any encoding. Throws
 * INVALID_ARGUMENT for text that is not a patch, and for names that lead out of the tree.
 */
export async function applyPatches(text: Buffer, isReverse: boolean, read: ReadPatchable): Promise<Patched> {
  const files = new Map<string, Patchable | null>();
  const rejects: Reject[] = [];
  const readNow = async (path: string) => (files.has(path) ? (files.get(path) ?? null) : read(path));
  for (const file of parse(text, isReverse)) {
    const rejected = await applyOne(file, readNow, files);
    if (rejected === null) continue;
    const hunks = file.patch.hunks.map(
      (hunk) => `@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`,
    );
    rejects.push({ path: file.to ?? file.from ?? "", reason: rejected, hunks });
  }
  return { files, rejects };
}

async function applyOne(
  { from, to, isCopy, mode, patch }: FilePatch,
  read: ReadPatchable,
  files: Map<string, Patchable | null>,
): Promise<Reject["reason"] | null> {
  if (patch.isBinary === true) return "binary";
  const before = from === null ? null : await read(from);
  if (typeof before === "string") return before;
  if (from !== null && before === null) return "missing";
  if (to !== null && to !== from && (await read(to)) !== null) return "exists";
  const fresh = applyHunks(before, patch);
  if (fresh === false || (to === null && fresh !== "")) return "does-not-fit";
  if (from !== null && from !== to && !isCopy) files.set(from, null);
  if (to !== null) files.set(to, build(fresh, mode, before));
  return null;
}

function applyHunks(before: Patchable | null, patch: StructuredPatch): string | false {
  const old = before === null ? "" : contentOf(before);
  if (patch.hunks.length === 0) return old;
  const lineCount = countLines(old);
  const hunks = placeHunks(patch.hunks, lineCount);
  if (hunks === null) return false;
  const fresh = applyPatch(old, { ...patch, hunks }, { autoConvertLineEndings: false });
  if (fresh === false) return false;
  // A hunk without old lines fits anywhere: also behind the end, when an earlier hunk has moved it there.
  const growth = hunks.reduce((sum, { oldLines, newLines }) => sum + newLines - oldLines, endChange(hunks.at(-1)!));
  return countLines(fresh) === lineCount + growth ? fresh : false;
}

/** How many lines the end of the last line adds: a text whose last line has an end counts as one line more. */
function endChange({ lines }: StructuredPatch["hunks"][number]): number {
  const hasMark = (sign: string) => lines.some((line, index) => line[0] === "\\" && lines[index - 1]?.[0] === sign);
  return Number(hasMark("-")) - Number(hasMark("+"));
}

/**
 * The hunks of a file with so many lines. The place of one behind the end is searched from the end on: `applyPatch` would begin at its number,
 * however large. Null when one that has no old lines, and so fits anywhere, lies behind the end.
 */
function placeHunks(hunks: StructuredPatch["hunks"], lineCount: number): StructuredPatch["hunks"] | null {
  if (hunks.some(({ oldStart, oldLines }) => oldLines === 0 && oldStart > lineCount + 1)) return null;
  return hunks.map((hunk) => ({ ...hunk, oldStart: Math.min(hunk.oldStart, lineCount + 1) }));
}

function countLines(text: string): number {
  let count = 1;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

function build(content: string, mode: string | undefined, before: Patchable | null): Patchable {
  const bytes = Buffer.from(content, "latin1");
  const isLink = mode === undefined ? before?.type === "link" : mode === "120000";
  if (isLink) return { type: "link", target: bytes.toString("utf8") };
  const kept = before?.type === "file" ? before.mode : 0o644;
  if (mode === undefined) return { type: "file", mode: kept, bytes };
  return { type: "file", mode: mode === "100755" ? kept | 0o111 : kept & ~0o111, bytes };
}

function contentOf(file: Patchable): string {
  return file.type === "file" ? file.bytes.toString("latin1") : Buffer.from(file.target).toString("latin1");
}

function parse(text: Buffer, isReverse: boolean): FilePatch[] {
  // Names are read as UTF-8 where that is possible; lines are always compared byte by byte.
  const encoding = isUtf8(text) ? "utf8" : "latin1";
  let patches: StructuredPatch[];
  try {
    patches = parsePatch(text.toString(encoding));
  } catch (error) {
    throw invalid((error as Error).message);
  }
  if (encoding === "utf8") patches = patches.map(withBytes);
  const named = patches.filter(({ hunks, isGit }) => hunks.length > 0 || isGit === true);
  if (named.length === 0) throw invalid("it names no change");
  return (isReverse ? named.toReversed().map((patch) => reversePatch(patch)) : named).map(describe);
}

/** The same patch, with each byte of a line as a character. */
function withBytes(patch: StructuredPatch): StructuredPatch {
  const toBytes = (line: string) => Buffer.from(line, "utf8").toString("latin1");
  return { ...patch, hunks: patch.hunks.map((hunk) => ({ ...hunk, lines: hunk.lines.map(toBytes) })) };
}

function describe(patch: StructuredPatch): FilePatch {
  const [old, fresh] = [nameOf(patch.oldFileName), nameOf(patch.newFileName)];
  const isPrefixed = [old, fresh].every((name) => name === "/dev/null" || /^[ab]\//.test(name));
  const strip = (name: string) => (name === "/dev/null" ? null : assertInside(isPrefixed ? name.slice(2) : name));
  const from = patch.isCreate === true ? null : strip(old);
  const to = patch.isDelete === true ? null : strip(fresh);
  if (from === null && to === null) throw invalid("a part of it names no file");
  return { from, to, isCopy: patch.isCopy === true, mode: patch.newMode, patch };
}

function nameOf(name: string | undefined): string {
  if (name === undefined || name === "") throw invalid("a part of it names no file");
  return name;
}

function assertInside(name: string): string {
  const parts = name.split("/").filter((part) => part !== "" && part !== ".");
  if (name.startsWith("/") || parts.includes("..") || parts.length === 0 || name.includes("\0")) {
    throw invalid(`the name ${JSON.stringify(name)} leaves the workspace`);
  }
  return parts.join("/");
}

function invalid(why: string): PyroError {
  return new PyroError("INVALID_ARGUMENT", `The patch cannot be read: ${why}.`, {
    hint: "Give a unified diff, as `git diff` and `diff -u` print it, with names relative to /workspace.",
  });
}
