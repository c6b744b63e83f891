import type { ArchiveEntry } from "./entry.js";
import { numberAt } from "./header.js";
import { findLeavingLinks, linksEscape } from "./links.js";
import type { Member } from "./members.js";
import { corrupt, refusal, showName } from "./refusal.js";
import { parseParts, parseRelative, type PathLimits } from "./path.js";
import { type Node, pathOf, tooMany, Tree } from "./tree.js";

/** Maximum length of a symbolic link's target: Linux accepts one byte less than for a path. */
const TARGET_BYTES = 4_095;
/** Maximum memory for the targets of links, which are all kept until the end. */
const ALL_TARGETS_BYTES = 134_217_728;
const MODE_BITS = 0o777;

/** How many links that leave the tree a refusal names. */
const NAMED_LINKS = 20;

export interface Limits extends PathLimits {
  readonly entries: number;
}

export interface Name {
  readonly parts: readonly string[];
  readonly path: string;
  readonly isDirectory: boolean;
}

type Checked = Pick<ArchiveEntry, "path" | "type" | "mode" | "target">;

/** Checks entries against the rules for imports. Each rule has its own error code. */
export class Checker {
  readonly #limits: Limits;
  readonly #tree: Tree;
  readonly #links = new Set<Node>();
  readonly #linksMayLeave: boolean;
  #entries = 0;
  #targetBytes = 0;
  /** The last entry read, for errors without an entry name. */
  lastShown: string | null = null;

  constructor(limits: Limits, linksMayLeave = false) {
    this.#limits = limits;
    this.#linksMayLeave = linksMayLeave;
    this.#tree = new Tree(limits.entries);
  }

  parseName(member: Member): Name {
    this.lastShown = member.shown;
    if (++this.#entries > this.#limits.entries) throw tooMany(member.shown, this.#limits.entries);
    const parts = parseRelative(member.name, member.shown, this.#limits, {
      absolute: "ARCHIVE_PATH_ABSOLUTE",
      escapes: "ARCHIVE_PATH_ESCAPES",
    });
    return { parts, path: resolved(parts).join("/"), isDirectory: isDirectory(member) };
  }

  /** The checked entry; null for an entry without effect: the root, or a hard link to itself. */
  check(member: Member, { parts, path, isDirectory }: Name): Checked | null {
    const { shown } = member;
    const type = isDirectory ? "directory" : TYPES.get(member.type);
    if (type === undefined) {
      const what = SPECIAL.get(member.type);
      if (what === null) throw corrupt("it is a part of a multi-volume archive", shown);
      throw refusal("ARCHIVE_SPECIAL_FILE", shown, `it is ${what ?? "of an unknown type"}`, { type: member.type });
    }
    if (path === "" && type !== "directory") {
      throw refusal("ARCHIVE_TYPE_CONFLICT", shown, "it stands for the root of the archive, which is a directory", {
        types: ["directory", type],
      });
    }
    const bits = numberAt(member.header.block, 100, 8, "mode", shown);
    const mode = type === "symlink" ? MODE_BITS : bits & MODE_BITS;
    if (type === "hardlink") return this.#hardLink(member, parts, path, mode);
    const target = type === "symlink" ? this.#parseTarget(member) : null;
    const node = this.#tree.enter(parts, type, shown);
    if (type === "symlink" && !this.#linksMayLeave) {
      node.target = target;
      this.#links.add(node);
    }
    return path === "" ? null : { path, type, mode, target };
  }

  /** Checks that need the whole archive. */
  finish(): void {
    const leaving = findLeavingLinks(this.#links, this.#tree);
    const [first] = leaving;
    if (first === undefined) return;
    const shown = leaving.slice(0, NAMED_LINKS).map((link) => pathOf(link));
    throw linksEscape(shown, leaving.length, first.target ?? "");
  }

  #hardLink(member: Member, parts: readonly string[], path: string, mode: number): Checked | null {
    const { shown } = member;
    const targetParts = parseRelative(member.link, shown, this.#limits, {
      absolute: "ARCHIVE_LINK_ESCAPES",
      escapes: "ARCHIVE_LINK_ESCAPES",
    });
    const file = this.#tree.find(targetParts);
    if (file?.kind !== "file") {
      throw refusal(
        "ARCHIVE_HARD_LINK",
        shown,
        "the target of this hard link is not an earlier regular file of the archive",
        {
          target: showName(member.link),
        },
      );
    }
    const node = this.#tree.enter(parts, "file", shown);
    return node === file ? null : { path, type: "hardlink", mode, target: pathOf(file) };
  }

  #parseTarget({ link, shown }: Member): string {
    parseParts(link, shown, {
      ...this.#limits,
      pathBytes: Math.min(TARGET_BYTES, this.#limits.pathBytes),
    });
    if (this.#linksMayLeave) return link.toString("utf8");
    this.#targetBytes += link.length;
    if (this.#targetBytes > ALL_TARGETS_BYTES) {
      throw refusal("ARCHIVE_TOO_MANY_ENTRIES", shown, "the link targets of the archive are too long in total", {
        limit_bytes: ALL_TARGETS_BYTES,
      });
    }
    return link.toString("utf8");
  }
}

const TYPES = new Map<string, ArchiveEntry["type"]>([
  ["0", "file"],
  ["\0", "file"],
  ["7", "file"],
  ["S", "file"],
  ["1", "hardlink"],
  ["2", "symlink"],
]);

const SPECIAL = new Map<string, string | null>([
  ["3", "a character device"],
  ["4", "a block device"],
  ["6", "a FIFO"],
  ["M", null],
]);

/** Old archives mark a directory by a slash at the end of its name; GNU tar's incremental archives use the type `D`. */
function isDirectory({ type, name }: Member): boolean {
  if (type === "5" || type === "D") return true;
  return (type === "0" || type === "\0" || type === "7") && name.at(-1) === 0x2f;
}

function resolved(parts: readonly string[]): string[] {
  const kept: string[] = [];
  for (const part of parts) {
    if (part === "..") kept.pop();
    else kept.push(part);
  }
  return kept;
}
