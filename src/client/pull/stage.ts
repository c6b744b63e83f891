import { createHash } from "node:crypto";
import { join } from "node:path";

import { readArchive } from "../../archive/read.js";
import type { ArchiveEntry } from "../../archive/entry.js";
import { PyroError } from "../../contract/errors.js";
import { symlinkSync } from "../../host/files.js";
import { NewFile } from "../../host/new-file.js";
import { nextTurn } from "../../host/next-turn.js";
import { type Entry, isUnhashed } from "../../workspace/entry.js";
import { PullProgress } from "./progress.js";
import type { Step } from "./steps.js";

/** Bytes that are written before other work of the process gets a turn: the zeros of a hole arrive without any wait. */
const TURN_BYTES = 8_388_608;

type Export = (paths: readonly string[], take: (archive: AsyncIterable<Uint8Array>) => Promise<void>) => Promise<void>;

/**
 * Writes the files and links that the steps bring into `directory`, each under the number of its step. Returns the steps with the digests
 * of files that the guest has not hashed. Throws WORKSPACE_CHANGED, which names
 * the entries, when the streams do not have exactly the content of the steps: the guest may be hostile, or the files changed meanwhile.
 */
export async function stageSteps(
  directory: string,
  steps: readonly Step[],
  exportFiles: Export,
  progress = new PullProgress(steps),
): Promise<readonly Step[]> {
  const wanted = new Map<string, { readonly index: number; readonly step: Step }>();
  for (const [index, step] of steps.entries()) {
    if (step.after !== null && step.after.type !== "directory") wanted.set(step.source ?? step.path, { index, step });
  }
  const changed: string[] = [];
  const asked = [...wanted.keys()];
  if (asked.length === 0) return steps;
  const staged = [...steps];
  await exportFiles(asked, async (archive) => {
    for await (const entry of readArchive(archive, { linksMayLeave: true })) {
      const found = wanted.get(entry.path);
      if (found === undefined) continue;
      wanted.delete(entry.path);
      const { index, step } = found;
      const after = await stageEntry(join(directory, String(index)), step, counted(entry, progress));
      progress.addEntry();
      if (after !== null) staged[index] = { ...step, after };
      if (after !== null) continue;
      changed.push(entry.path);
      // Fails at once, without waiting for the rest of the content.
      if (isLonger(entry, step)) throw changedMeanwhile(changed);
    }
  });
  changed.push(...wanted.keys());
  if (changed.length > 0) throw changedMeanwhile(changed);
  return staged;
}

function changedMeanwhile(paths: readonly string[]): PyroError {
  return new PyroError("WORKSPACE_CHANGED", `${listOf(paths)} changed in the workspace during the pull.`, {
    hint: "Pull again when no command of the task writes to the files.",
    details: { paths: paths.slice(0, 100) },
  });
}

function counted(entry: ArchiveEntry, progress: PullProgress): ArchiveEntry {
  async function* pass() {
    let sinceTurn = 0;
    for await (const bytes of entry.content) {
      progress.addBytes(bytes.length);
      yield bytes;
      sinceTurn += bytes.length;
      if (sinceTurn < TURN_BYTES) continue;
      await nextTurn();
      sinceTurn = 0;
    }
  }
  return { ...entry, content: pass() };
}

/** The entry as it has arrived; null when it is not the entry of the step. */
async function stageEntry(path: string, { after }: Step, entry: ArchiveEntry): Promise<Entry | null> {
  if (after?.type === "link") {
    if (entry.type !== "symlink" || entry.target !== after.target) return null;
    symlinkSync(after.target, path);
    return after;
  }
  if (after?.type !== "file" || entry.type !== "file" || entry.sizeBytes !== after.sizeBytes) return null;
  const hash = createHash("sha256");
  const file = new NewFile(path);
  try {
    for await (const bytes of entry.content) {
      hash.update(bytes);
      file.write(bytes);
    }
    file.finish(after.mode);
  } finally {
    file.close();
  }
  const digest = hash.digest("hex");
  return isUnhashed(after) || digest === after.digest ? { ...after, digest } : null;
}

function isLonger({ type, sizeBytes }: ArchiveEntry, { after }: Step): boolean {
  return type === "file" && sizeBytes > (after?.type === "file" ? after.sizeBytes : 0);
}

function listOf(paths: readonly string[]): string {
  const shown = paths.slice(0, 3).map((path) => JSON.stringify(path));
  const more = paths.length - shown.length;
  return more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
}
