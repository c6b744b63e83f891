import { randomBytes } from "node:crypto";

import type { ArchiveEntry } from "../../archive/entry.js";
import { createFilter, type Filter } from "../../archive/filter.js";
import { readArchive } from "../../archive/read.js";
import type { Machine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { InputOf, ResultOf } from "../../contract/operations.js";
import { AgentRefusal } from "../../guest/refusal.js";
import { type Committed, type RemovalCounts, Stage } from "../../guest/stage.js";
import { stat } from "../../guest/stat.js";
import { abortableChunks } from "../../host/abortable.js";
import type { PushedFile } from "../../store/pushed-files.js";
import type { BaseRecorder } from "../../store/workspace-base.js";
import type { Call } from "../call.js";
import { WORKSPACE } from "./destination.js";
import { explainRefusal } from "./import-refusal.js";
import { ImportProgress } from "./import-progress.js";
import { assertRemoves, isGone, replacedIn, stageRemovals } from "./removals.js";

/** The fields that a task's creation and a push have in common. */
export type Source = Pick<
  InputOf<"task.sync.push">,
  "exclude" | "include" | "links" | "git_tracked" | "with_git" | "source_kind" | "source_bytes" | "source_excluded"
>;

/** The fields for a source that may be missing. */
export type OptionalSource = Source & Pick<InputOf<"task.create">, "source_path">;

/** The counts of an imported source. */
export interface SourceCounts {
  readonly entryCount: number;
  readonly bytesWritten: number;
  readonly excludedCount: number;
  readonly unchangedCount: number;
  readonly ignoredXattrCount: number;
  /** Entries that the commit removes. */
  readonly removals: RemovalCounts;
}

/** A complete, checked source that is staged beside the workspace: a commit moves it in. */
export interface StagedSource {
  readonly id: string;
  readonly counts: SourceCounts;
  /** Its entries, relative to the destination; a directory's path ends with a slash. */
  readonly paths: ReadonlySet<string>;
  readonly recorder: BaseRecorder | null;
  /** Commits it. Returns the refusal if the workspace is unchanged; throws when the VM is lost before the outcome is known. */
  commit(): Promise<Committed | PyroError>;
  /** Drops it; the workspace is unchanged. Does nothing after `commit`. */
  cancel(): Promise<void>;
}

export type ListedEntry = NonNullable<ResultOf<"task.sync.push">["entries"]>[number];

export interface StageOptions {
  /** Compares with the workspace and stages nothing. */
  readonly isDryRun?: boolean;
  readonly onEntry?: (entry: ListedEntry) => void;
  /** Entries of earlier pushes; those of another type than the source's make room. */
  readonly earlier?: AsyncIterable<PushedFile>;
  /** Removes also those that the source no longer has. */
  readonly deletes?: boolean;
  /** Records the entries for the workspace's base, under the import's id. */
  readonly record?: (id: string) => BaseRecorder;
}

/** Links that leave a directory are data of it. What they point to is never opened here or in the guest. */
function linksMayLeave({ source_kind, links }: Source): boolean {
  return source_kind !== "archive" && links !== "refuse";
}

/** Throws INVALID_ARGUMENT for a choice that only a directory has. */
export function assertChoices({ source_path, source_kind, links, git_tracked, with_git }: OptionalSource): void {
  const field = git_tracked ? "git_tracked" : with_git ? "with_git" : null;
  if (source_path === undefined) {
    if (field !== null) throw needsDirectory(field, `\`${field}\` needs a \`source_path\`.`, "Name a directory.");
  } else if (source_kind === "archive" && links !== undefined && links !== "refuse") {
    const hint = "Unpack the archive and push the directory. Links that leave an archive are always refused.";
    throw needsDirectory(
      "links",
      `\`links\` is \`${links}\`, which needs a directory; the source is an archive.`,
      hint,
    );
  } else if (source_kind === "archive" && field !== null) {
    throw needsDirectory(
      field,
      `\`${field}\` needs a directory; the source is an archive.`,
      "Push the directory itself.",
    );
  }
}

function needsDirectory(field: string, message: string, hint: string): PyroError {
  return new PyroError("INVALID_ARGUMENT", message, {
    hint,
    details: { issues: [{ field, message: "allowed only for a directory" }] },
  });
}

/** Space that an import leaves free in the guest, for work with the pushed files. */
const RESERVE_BYTES = 16 * 1_048_576;

/**
 * Reads an uploaded archive, checks every entry and stages it in the guest. Throws the error of the first invalid entry. After an error
 * or an abort, nothing is left in the guest.
 */
export async function stageSource(
  machine: Machine,
  destination: string,
  source: Source,
  call: Call,
  { isDryRun = false, onEntry, earlier, deletes = false, record }: StageOptions = {},
): Promise<StagedSource> {
  // A name that no other import has.
  const id = randomBytes(16).toString("hex");
  const paths = new Set<string>();
  const recorder = record?.(id) ?? null;
  if (deletes) assertRemoves(machine.channel);
  const freeBytes = await findFreeSpace(machine, source.source_bytes ?? 0);
  const stage = await Stage.open(machine.channel, { path: destination, id, isDryRun }).catch(rethrow);
  const onAbort = () => void stage.cancel().catch(() => {});
  call.signal.addEventListener("abort", onAbort, { once: true });
  try {
    const reading = new Reading(source, freeBytes, call);
    for await (const entry of reading.entries()) {
      const { target, content, ...header } = entry;
      const passed = recorder ? recordEntry(recorder, entry) : content;
      await stage.add(target === null ? header : { ...header, target }, passed);
      paths.add(entry.type === "directory" ? `${entry.path}/` : entry.path);
      onEntry?.({ path: entry.path, type: entry.type, size_bytes: entry.sizeBytes });
    }
    if (earlier && machine.channel.hello.removes === true) {
      const isRemoved = (path: string) => deletes && isGone(path, paths, reading.filter);
      const removed = { isReplaced: replacedIn(paths), isGone: isRemoved };
      await stageRemovals(stage, earlier, removed, (path) => recorder?.remove(path));
    }
    call.signal.throwIfAborted();
    const { entries, bytes, unchanged, ...removals } = await stage.finish();
    const { excludedCount, ignoredXattrCount } = reading;
    const counts = { entryCount: entries, bytesWritten: bytes, unchangedCount: unchanged, removals };
    return {
      id,
      counts: { ...counts, excludedCount, ignoredXattrCount },
      paths,
      recorder,
      commit: () => commit(stage),
      cancel: () => stage.cancel(),
    };
  } catch (error) {
    await stage.cancel().catch(() => {});
    call.signal.throwIfAborted();
    return rethrow(error);
  } finally {
    call.signal.removeEventListener("abort", onAbort);
  }
}

/** Records an entry. Returns its content, which is recorded while it is read. */
function recordEntry(recorder: BaseRecorder, entry: ArchiveEntry): AsyncIterable<Buffer> {
  const { path, type, mode, target, content } = entry;
  if (type === "file") return recorder.file(path, mode, content);
  if (type === "directory") recorder.add(path, { type, mode });
  else if (type === "hardlink") recorder.link(path, target ?? "");
  else recorder.add(path, { type: "link", target: target ?? "" });
  return content;
}

/** One pass over an uploaded archive, with its counts so far. */
class Reading {
  entryCount = 0;
  bytes = 0;
  ignoredXattrCount = 0;
  excludedCount: number;
  readonly filter: Filter | null;
  readonly #source: Source;
  readonly #freeBytes: number;
  readonly #call: Call;

  constructor(source: Source, freeBytes: number, call: Call) {
    this.#source = source;
    this.filter = createFilter(source);
    this.#freeBytes = freeBytes;
    this.#call = call;
    this.excludedCount = source.source_excluded;
  }

  async *entries(): AsyncGenerator<ArchiveEntry> {
    const { upload } = this.#call;
    if (upload === null) throw new PyroError("INTERNAL", "The operation takes no archive.");
    const progress = new ImportProgress(this.#source.source_bytes, this.#call);
    const { filter } = this;
    const options = {
      freeBytes: this.#freeBytes,
      ...(filter && { filter }),
      onExcluded: () => (this.excludedCount += 1),
      onIgnoredXattrs: () => (this.ignoredXattrCount += 1),
      linksMayLeave: linksMayLeave(this.#source),
    };
    for await (const entry of readArchive(abortableChunks(upload, this.#call.signal), options)) {
      yield { ...entry, content: this.#counted(entry.content, progress) };
      this.entryCount += 1;
      progress.show(this);
    }
  }

  async *#counted(content: AsyncIterable<Buffer>, progress: ImportProgress): AsyncGenerator<Buffer> {
    for await (const bytes of content) {
      yield bytes;
      this.bytes += bytes.length;
      progress.show(this);
    }
  }
}

async function commit(stage: Stage): Promise<Committed | PyroError> {
  try {
    return await stage.commit();
  } catch (error) {
    if (error instanceof AgentRefusal) return explainRefusal(error);
    throw error;
  }
}

/** The free space for a source, in bytes. Throws WORKSPACE_FULL when the source is known to be larger. */
async function findFreeSpace({ channel }: Machine, sourceBytes: number): Promise<number> {
  const { free_bytes } = await stat(channel, WORKSPACE).catch(rethrow);
  const freeBytes = Math.max(0, free_bytes - RESERVE_BYTES);
  if (sourceBytes <= freeBytes) return freeBytes;
  throw new PyroError(
    "WORKSPACE_FULL",
    `The source has ${sourceBytes} bytes; the workspace has space for ${freeBytes}.`,
    {
      details: { source_bytes: sourceBytes, room_bytes: freeBytes },
    },
  );
}

function rethrow(error: unknown): never {
  throw error instanceof AgentRefusal ? explainRefusal(error) : error;
}
