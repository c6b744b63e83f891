import { dirname, isAbsolute, join, normalize } from "node:path";

import { readFile } from "../../host/files.js";
import { lookAgain } from "../../host/tree.js";
import type { Report } from "./report.js";
import type { Planned } from "./scan.js";

/** The longest `.git` file that is read. */
const POINTER_BYTES = 8_192;

/** The place of a `.git`'s data, as the `.git` names it. */
interface Pointer {
  readonly target: string;
  /** The directory in the tree that a relative target starts from. */
  readonly base: string;
  readonly isWorktree: boolean;
}

/**
 * Notes each `.git` of a tree whose data is not sent with it: a worktree or a submodule, whose `.git` is a file that points elsewhere, a
 * link, and a clone that borrows objects. Git in the guest would not find that data.
 */
export async function noteGit(root: string, plan: readonly Planned[], report: Report): Promise<void> {
  const all = plan.filter(({ path }) => path === ".git" || path.endsWith("/.git"));
  if (all.length === 0) return;
  const sent = new Set(plan.map(({ path }) => path));
  for (const planned of all) {
    const pointer = await readPointer(root, planned, sent).catch(() => null);
    if (pointer === null) continue;
    const { target, base, isWorktree } = pointer;
    const isInside = isAbsolute(target) && target.startsWith(`${root}/`) && sent.has(target.slice(root.length + 1));
    if (isInside && isWorktree) report.movedWorktrees.add(dirname(planned.path));
    else if (isAbsolute(target) || !sent.has(normalize(join(base, target)))) {
      report.gitElsewhere.add(`${planned.path} (${target})`);
    }
  }
}

async function readPointer(
  root: string,
  { path, elsewhere }: Planned,
  sent: ReadonlySet<string>,
): Promise<Pointer | null> {
  const absolutePath = elsewhere ?? join(root, path);
  const found = lookAgain(path, absolutePath);
  if (found === null) return null;
  const base = dirname(path);
  if (found.target !== null) return { target: found.target.toString("utf8"), base, isWorktree: false };
  if (found.stat.isDirectory()) {
    if (!sent.has(join(path, "objects/info/alternates"))) return null;
    const alternates = await readFile(join(absolutePath, "objects/info/alternates"), "utf8");
    const target = alternates.split("\n").find((line) => line !== "" && !line.startsWith("#"));
    return target === undefined ? null : { target, base: join(path, "objects"), isWorktree: false };
  }
  if (!found.stat.isFile() || found.stat.size > POINTER_BYTES) return null;
  const [, target] = /^gitdir: (.*)/.exec(await readFile(absolutePath, "utf8")) ?? [];
  return target === undefined ? null : { target: target.trimEnd(), base, isWorktree: target.includes("/worktrees/") };
}
