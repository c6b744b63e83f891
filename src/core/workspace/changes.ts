import { createFilter } from "../../archive/filter.js";
import { PyroError } from "../../contract/errors.js";
import type { Channel } from "../../guest/channel.js";
import { type Base, type WorkspaceBase } from "../../store/workspace-base.js";
import { type Change, findChanges } from "../../workspace/changes.js";
import { parseDestination, WORKSPACE } from "./destination.js";
import { readWorkspace } from "./read-workspace.js";

/** Which part of a workspace is meant. */
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

/** Compares a workspace with its base. Throws INVALID_ARGUMENT for a path that is not beneath /workspace. */
export async function compareWorkspace(
  channel: Channel,
  before: Base,
  selection: Selection,
  isAll = false,
): Promise<FoundChanges> {
  const isSelected = buildSelection(selection);
  const { manifest, mounts, unsupported } = await readWorkspace(channel);
  const isHidden = (path: string) => mounts.some((mount) => path.startsWith(`${mount}/`));
  const found = findChanges(before.manifest, manifest, isAll);
  return {
    origin: before.origin,
    changes: found.filter(
      ({ path, base: was, task }) => !isHidden(path) && isSelected(path, (task ?? was)?.type === "directory"),
    ),
    unsupported: unsupported.filter((path) => isSelected(path, false)),
  };
}

/** What a task's workspace had in common with the host. Throws FAILED_PRECONDITION when its record is damaged. */
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
