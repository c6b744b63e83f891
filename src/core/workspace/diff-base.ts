import { limits } from "../../contract/limits.js";
import type { Channel } from "../../guest/channel.js";
import { fetchEntries } from "../../guest/fetch.js";
import type { Base, WorkspaceBase } from "../../store/workspace-base.js";
import type { Entry } from "../../workspace/entry.js";
import { readBase } from "./changes.js";
import { WORKSPACE } from "./destination.js";
import { readWorkspace } from "./read-workspace.js";

/** An entry of a workspace with its path. */
export interface Named {
  readonly path: string;
  readonly entry: Entry | null;
}

/** The earlier state that a diff compares with. */
export interface DiffBase {
  readonly read: () => Promise<Base>;
  /** Prepares reading files of this state. A file whose content is not known reads as null. */
  readonly open: (files: readonly Named[]) => Promise<(file: Named) => Promise<Buffer | null>>;
}

/** The recorded state of a task's base. */
export function recordedBase(base: Pick<WorkspaceBase, "read" | "content">, since: "seed" | "push"): DiffBase {
  return {
    read: () => readBase(base, since),
    open: async () => async (file) => (file.entry?.type === "file" ? base.content.read(file.entry.digest) : null),
  };
}

/** The state of a snapshot, whose disk an agent reads. */
export function snapshotBase(channel: Channel, origin: string | null): DiffBase {
  return {
    read: async () => ({ origin, manifest: (await readWorkspace(channel)).manifest }),
    open: async (files) => {
      const contents = await readContents(channel, files);
      return async ({ path }) => contents.get(path) ?? null;
    },
  };
}

/** The content of files of a workspace that are short enough for a diff. */
export async function readContents(channel: Channel, files: readonly Named[]): Promise<ReadonlyMap<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  const isWanted = ({ entry }: Named) => entry?.type === "file" && entry.sizeBytes <= limits.baseContentFileBytes;
  const paths = files.filter(isWanted).map(({ path }) => path);
  await fetchEntries(channel, WORKSPACE, paths, async ({ path, type, sizeBytes }, content) => {
    if (type !== "file" || sizeBytes > limits.baseContentFileBytes) return;
    const pieces: Buffer[] = [];
    for await (const bytes of content) pieces.push(bytes);
    contents.set(path, Buffer.concat(pieces));
  });
  return contents;
}
