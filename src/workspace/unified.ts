import { createHash } from "node:crypto";

import { structuredPatch } from "diff";

import { isBinary } from "./binary.js";
import type { Entry } from "./entry.js";

/** Maximum length of an edit list that is searched in one file; beyond it the whole file counts as replaced. */
const MOST_EDITS = 20_000;
const CONTEXT_LINES = 3;

/** One side of a difference. Null bytes: the content is not known. */
export interface Side {
  readonly path: string;
  readonly entry: Entry | null;
  readonly bytes: Buffer | null;
}

export interface FileDiff {
  /** The text as `git diff` prints it; it ends with a line break. */
  readonly text: string;
  readonly additions: number;
  readonly deletions: number;
  /** True when the content is shown as a summary: it is binary, or not known. */
  readonly isSummary: boolean;
}

/** The difference of one entry as unified text with git's extended headers. Both sides differ in something. */
export function renderDiff(before: Side, after: Side): FileDiff {
  const [from, to] = [quotePath(`a/${before.path}`), quotePath(`b/${after.path}`)];
  const lines = [`diff --git ${from} ${to}`, ...modeLines(before, after)];
  const isRename = before.entry !== null && after.entry !== null && before.path !== after.path;
  if (isRename)
    lines.push("similarity index 100%", `rename from ${quotePath(before.path)}`, `rename to ${quotePath(after.path)}`);
  const isSameContent =
    before.entry !== null && after.entry !== null && contentKey(before.entry) === contentKey(after.entry);
  if (isSameContent) return finish(lines, [], true);
  const [old, fresh] = [contentOf(before), contentOf(after)];
  if (old === null || fresh === null || isBinary(old) || isBinary(fresh)) {
    lines.push(`Binary files ${nameOr(before, from)} and ${nameOr(after, to)} differ`);
    return finish(lines, [], true);
  }
  lines.push(indexLine(before, after, old, fresh));
  if (old.length === 0 && fresh.length === 0) return finish(lines, [], false);
  const hunks = hunksOf(old.toString("utf8"), fresh.toString("utf8"));
  lines.push(`--- ${nameOr(before, from)}`, `+++ ${nameOr(after, to)}`);
  return finish(lines, hunks, false);
}

function finish(headers: readonly string[], hunks: readonly string[], isSummary: boolean): FileDiff {
  let [additions, deletions] = [0, 0];
  for (const line of hunks) {
    if (line.startsWith("+")) additions += 1;
    else if (line.startsWith("-")) deletions += 1;
  }
  return { text: `${[...headers, ...hunks].join("\n")}\n`, additions, deletions, isSummary };
}

function modeLines({ entry: before }: Side, { entry: after }: Side): string[] {
  const [old, fresh] = [before && gitMode(before), after && gitMode(after)];
  if (old === null) return [`new file mode ${fresh}`];
  if (fresh === null) return [`deleted file mode ${old}`];
  return old === fresh ? [] : [`old mode ${old}`, `new mode ${fresh}`];
}

function indexLine(before: Side, after: Side, old: Buffer, fresh: Buffer): string {
  const ids = `index ${before.entry ? blobId(old) : "0000000"}..${after.entry ? blobId(fresh) : "0000000"}`;
  const modes = [before.entry, after.entry].map((entry) => entry && gitMode(entry));
  return modes[0] === modes[1] && modes[0] !== null ? `${ids} ${modes[0]}` : ids;
}

function hunksOf(old: string, fresh: string): string[] {
  const options = { context: CONTEXT_LINES, maxEditLength: MOST_EDITS };
  const patch = structuredPatch("a", "b", old, fresh, undefined, undefined, options);
  const lines = old.split("\n");
  const hunks = patch?.hunks ?? [wholeHunk(old, fresh)];
  return hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines: text }) => {
    const place = `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`;
    const name = functionBefore(lines, oldStart - (oldLines === 0 ? 0 : 1));
    return [name === "" ? place : `${place} ${name}`, ...text];
  });
}

function range(start: number, count: number): string {
  return count === 1 ? String(start) : `${count === 0 && start > 0 ? start - 1 : start},${count}`;
}

function wholeHunk(old: string, fresh: string) {
  const [removed, added] = [linesOf(old), linesOf(fresh)];
  return {
    ...{ oldStart: 1, oldLines: removed.length, newStart: 1, newLines: added.length },
    lines: [...marked("-", old, removed), ...marked("+", fresh, added)],
  };
}

function marked(sign: string, text: string, lines: readonly string[]): string[] {
  const all = lines.map((line) => `${sign}${line}`);
  return text === "" || text.endsWith("\n") ? all : [...all, "\\ No newline at end of file"];
}

function linesOf(text: string): string[] {
  if (text === "") return [];
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}

/** The line before a hunk that git names: the last one that begins with a letter, `_` or `$`. */
function functionBefore(lines: readonly string[], index: number): string {
  for (let at = Math.min(index, lines.length) - 1; at >= 0; at--) {
    const line = lines[at] ?? "";
    if (/^[A-Za-z_$]/.test(line)) return Buffer.from(line).subarray(0, 80).toString("utf8").trimEnd();
  }
  return "";
}

function contentOf({ entry, bytes }: Side): Buffer | null {
  if (entry === null || entry.type === "directory") return Buffer.alloc(0);
  return entry.type === "link" ? Buffer.from(entry.target) : bytes;
}

function contentKey(entry: Entry): string {
  if (entry.type === "directory") return "directory";
  return entry.type === "link" ? `link ${entry.target}` : `file ${entry.digest}`;
}

function gitMode(entry: Entry): string {
  if (entry.type === "link") return "120000";
  if (entry.type === "directory") return "040000";
  return (entry.mode & 0o100) === 0 ? "100644" : "100755";
}

function nameOr({ entry }: Side, name: string): string {
  return entry === null ? "/dev/null" : name;
}

/** The first digits of git's id of a content. */
function blobId(bytes: Buffer): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex").slice(0, 7);
}

/** A path as git prints it: quoted, with octal escapes, when it has control characters, quotes, backslashes or bytes beyond ASCII. */
function quotePath(path: string): string {
  if (/^[\x20-\x7e]*$/.test(path) && !/["\\]/.test(path)) return path;
  const escaped = Array.from(Buffer.from(path), (byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    if (byte === 0x0a) return "\\n";
    if (byte === 0x09) return "\\t";
    if (byte >= 0x20 && byte <= 0x7e) return String.fromCharCode(byte);
    return `\\${byte.toString(8).padStart(3, "0")}`;
  });
  return `"${escaped.join("")}"`;
}
