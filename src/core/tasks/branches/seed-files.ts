import { randomBytes } from "node:crypto";

import { PyroError } from "../../../contract/errors.js";
import type { Channel } from "../../../guest/channel.js";
import { type Committed, Stage } from "../../../guest/stage.js";
import type { WorkspaceBase } from "../../../store/workspace-base.js";
import { byPath, type Entry } from "../../../workspace/entry.js";
import { WORKSPACE } from "../../workspace/destination.js";

/** Names of files in an error. */
const NAMES_SHOWN = 10;

/** Throws FAILED_PRECONDITION when the base does not have the list of the seed, or the content of every file of it. */
export async function assertSeedIsKept(taskId: string, base: WorkspaceBase): Promise<void> {
  if (!(await base.hasSeed())) {
    throw new PyroError(
      "FAILED_PRECONDITION",
      `The list of the files that task ${taskId} was created with is not kept.`,
      {
        hint: "Create a task from the source again.",
        details: { task_id: taskId, reason: "seed_not_kept" },
      },
    );
  }
  const missing: string[] = [];
  for (const [path, entry] of await readSeed(base)) {
    if (entry.type === "file" && (await readContent(base, entry)) === null) missing.push(path);
  }
  if (missing.length === 0) return;
  const names = missing.slice(0, NAMES_SHOWN);
  throw new PyroError(
    "FAILED_PRECONDITION",
    `The content of ${missing.length} files of the source of task ${taskId} is not kept: ${names.join(", ")}${missing.length > names.length ? ", …" : ""}.`,
    {
      hint: "Only text files of up to 1 MiB are kept. Make a snapshot right after `pyro task create`, and reset to that.",
      details: { task_id: taskId, reason: "seed_not_kept", missing_count: missing.length, missing: names },
    },
  );
}

/** Fills an empty workspace with the files of the seed. Their times are those of now. */
export async function restoreSeed(channel: Channel, base: WorkspaceBase, signal: AbortSignal): Promise<Committed> {
  const now = { mtimeS: Math.floor(Date.now() / 1_000), mtimeNs: 0 };
  const id = randomBytes(16).toString("hex");
  await using stage = await Stage.open(channel, { path: WORKSPACE, id, isDryRun: false });
  for (const [path, entry] of await readSeed(base)) {
    signal.throwIfAborted();
    if (entry.type === "directory") {
      await stage.add({ path, type: "directory", mode: entry.mode, ...now, sizeBytes: 0 });
    } else if (entry.type === "link") {
      await stage.add({ path, type: "symlink", mode: 0o777, ...now, sizeBytes: 0, target: entry.target });
    } else {
      const bytes = await readContent(base, entry);
      if (bytes === null) throw new PyroError("INTERNAL", `The content of ${path} is gone.`);
      await stage.add({ path, type: "file", mode: entry.mode, ...now, sizeBytes: bytes.length }, [bytes]);
    }
  }
  await stage.finish();
  return stage.commit();
}

async function readSeed(base: WorkspaceBase): Promise<[string, Entry][]> {
  const { manifest } = await base.read("seed");
  return [...manifest].toSorted(([a], [b]) => byPath(a, b));
}

/** Null when it is not kept. */
async function readContent(
  base: WorkspaceBase,
  { sizeBytes, digest }: Entry & { type: "file" },
): Promise<Buffer | null> {
  return sizeBytes === 0 ? Buffer.alloc(0) : base.content.read(digest);
}
