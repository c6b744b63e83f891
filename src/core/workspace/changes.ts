import { createFilter } from "../../archive/filter.js";
import { PyroError } from "../../contract/errors.js";
import type { Channel } from "../../guest/channel.js";
import { listBriefly } from "../../guest/listing.js";
import { type Base, type WorkspaceBase } from "../../store/workspace-base.js";
import { type Change, findChanges } from "../../workspace/changes.js";
import { isEqual, isUnhashed } from "../../workspace/entry.js";
import { parseDestination, WORKSPACE } from "./destination.js";
import { HASHED_BYTES, readWorkspace } from "./read-workspace.js";

/** The part of a workspace to compare. */
export interface Selection {
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  readonly include: readonly string[];
}

export interface FoundChanges {
  readonly origin: string | null;
  readonly changes: readonly Change[];
  readonly unsupported: readonly string[];
}

/** Compares a workspace with its base. `lazy` leaves long files that certainly changed UNHASHED. Throws INVALID_ARGUMENT for a path that is not beneath /workspace. */
export async function compareWorkspace(
  channel: Channel,
  before: Base,
  selection: Selection,
  { all: isAll = false, lazy: isLazy = false }: { readonly all?: boolean; readonly lazy?: boolean } = {},
): Promise<FoundChanges> {
  const isSelected = buildSelection(selection);
  const { manifest, mounts, unsupported } = await readWorkspace(channel, isLazy ? HASHED_BYTES : null);
  const isHidden = (path: string) => mounts.some((mount) => path.startsWith(`${mount}/`));
  const found = findChanges(before.manifest, manifest, isAll).filter(
    ({ path, base: was, task }) => !isHidden(path) && isSelected(path, (task ?? was)?.type === "directory"),
  );
  return {
    origin: before.origin,
    changes: await hashAlike(channel, found, isAll),
    unsupported: unsupported.filter((path) => isSelected(path, false)),
  };
}

/** Hashes the files that are as long as in the base: they may not have changed at all. */
async function hashAlike(channel: Channel, found: readonly Change[], isAll: boolean): Promise<Change[]> {
  const changes: Change[] = [];
  for (const { path, base, task } of found) {
    const isAlike = task?.type === "file" && base?.type === "file" && task.sizeBytes === base.sizeBytes;
    const now = isAlike && isUnhashed(task) ? { ...task, digest: await hash(channel, path) } : task;
    if (isAll || !isEqual(base, now)) changes.push({ path, base, task: now });
  }
  return changes;
}

/** The digest of one file; one that equals no other if it is gone, or changes meanwhile. */
async function hash(channel: Channel, path: string): Promise<string> {
  for await (const { sha256 } of listBriefly(channel, `${WORKSPACE}/${path}`, { hasDigests: true, depth: 0 })) {
    return sha256 ?? "";
  }
  return "";
}

/** The entries that a task's workspace had in common with the host. Throws FAILED_PRECONDITION when its record is damaged. */
export async function readBase(base: Pick<WorkspaceBase, "read">, since: "seed" | "push" = "push"): Promise<Base> {
  try {
    return await base.read(since);
  } catch (error) {
    throw new PyroError(
      "FAILED_PRECONDITION",
      "The task's base, the record of what host and workspace have in common, is damaged.",
      {
        hint: "Push the directory again to record a new base.",
        cause: error,
      },
    );
  }
}

type IsSelected = (path: string, isDirectory: boolean) => boolean;

function buildSelection({ paths, exclude, include }: Selection): IsSelected {
  const roots = paths.map((path) => parseDestination(path, "path").slice(WORKSPACE.length + 1));
  const filter = createFilter({ exclude: [".git", ...exclude], include });
  return (path, isDirectory) => {
    const isMeant =
      roots.length === 0 || roots.some((root) => root === "" || path === root || path.startsWith(`${root}/`));
    return isMeant && (filter?.excludedRoot(path, isDirectory) ?? null) === null;
  };
}
