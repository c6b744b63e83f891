import { PyroError } from "../../contract/errors.js";
import type { ResultOf } from "../../contract/operations.js";
import type { Channel } from "../../guest/channel.js";
import { askCommitted, type Committed } from "../../guest/stage.js";
import type { Log } from "../../host/log.js";
import type { Journal } from "../../store/journal.js";
import type { JournalEntry } from "../../store/journal-entry.js";
import { type PushedFile, PushedFiles } from "../../store/pushed-files.js";
import { type BaseRecorder, WorkspaceBase } from "../../store/workspace-base.js";
import type { StagedSource } from "./import.js";
import { type PushFacts, recordImport } from "./record-import.js";
import { Turns } from "../lifecycle/turns.js";

type Switching = Extract<JournalEntry, { event: "push.switching" }>;
type LastPush = NonNullable<ResultOf<"task.status">["last_push"]>;

/**
 * The pushes of one task, as its journal has them. A commit is recorded in the journal before it is requested from the agent, so that
 * a daemon that finds one without an end asks the agent how it ended.
 */
export class Pushes {
  readonly #journal: Journal;
  readonly #log: Log;
  readonly #files: PushedFiles;
  readonly base: WorkspaceBase;
  readonly #open = new Map<string, Switching>();
  #last: LastPush | null = null;
  readonly #turns = new Turns();

  constructor(journal: Journal, taskDirectory: string, log: Log) {
    this.#journal = journal;
    this.#files = new PushedFiles(taskDirectory);
    this.base = new WorkspaceBase(taskDirectory);
    this.#log = log;
    for (const entry of journal.entries) this.#read(entry);
  }

  /** The last one that was switched in. */
  get last(): LastPush | null {
    return this.#last;
  }

  /** One push after the other: a push must not change entries that another one has found unchanged and not switched in yet. */
  inTurn<T>(signal: AbortSignal, push: () => Promise<T>): Promise<T> {
    return this.#turns.take(signal, push);
  }

  #read(entry: JournalEntry): void {
    if (entry.event === "push.switching") this.#open.set(entry.push_id, entry);
    if (entry.event !== "push.ended") return;
    const begun = this.#open.get(entry.push_id);
    this.#open.delete(entry.push_id);
    if (begun && entry.switched) this.#last = { ...describe(begun), pushed_at: entry.at };
  }

  /** Records the entries of a push for the base. */
  record(id: string, facts: PushFacts): BaseRecorder {
    return recordImport(this.base, id, facts);
  }

  /** The entries that earlier pushes of the same source brought to the same destination. Empty when the list cannot be read. */
  async *earlier(facts: PushFacts): AsyncGenerator<PushedFile> {
    try {
      yield* this.#files.read(facts);
    } catch (error) {
      this.#log.warn({ err: error }, "the list of earlier pushes cannot be read");
    }
  }

  /**
   * Switches a staged source in; `isLeft` decides which entries of earlier pushes stay in the list. If this throws, the workspace is
   * unchanged. Only when the VM died or the daemon detaches is the outcome unknown; then the switch stays open in the journal.
   */
  async switchIn(staged: StagedSource, facts: PushFacts, isLeft: (path: string) => boolean): Promise<Committed> {
    const { mode, sourcePath, destination } = facts;
    const { id } = staged;
    const { entryCount, bytesWritten } = staged.counts;
    await this.#writeList(staged, facts, isLeft);
    await staged.recorder?.prepare().catch((error: unknown) => {
      this.#log.warn({ err: error }, "the base of a push was not written");
    });
    const begun: Switching = {
      event: "push.switching",
      ...{ push_id: id, mode, source_path: sourcePath, destination },
      ...{ entry_count: entryCount, bytes_written: bytesWritten, at: new Date().toISOString() },
    };
    await this.#journal.append(begun);
    this.#read(begun);
    const committed = await staged.commit();
    if (committed instanceof PyroError) {
      await this.#end(id, false, null);
      throw committed;
    }
    await this.#end(id, true, committed.at);
    return committed;
  }

  /** Keeps the list of entries that a task was created with. */
  async keepSeed(staged: StagedSource, committed: Committed, facts: PushFacts): Promise<void> {
    await this.#writeList(staged, facts, () => false);
    await this.#settleList(staged.id, committed.at);
  }

  /**
   * Resets the base and the list of pushed entries to the task's source, after its workspace was filled again. `at` is the moment in the
   * guest.
   */
  async returnToSeed(
    { source_path: sourcePath, destination }: { readonly source_path: string | null; readonly destination: string },
    at: Committed["at"],
  ): Promise<void> {
    await this.base.returnToSeed();
    await this.#files.clear();
    if (sourcePath === null) return;
    const { manifest } = await this.base.read("seed");
    const paths = Array.from(manifest, ([path, { type }]) => (type === "directory" ? `${path}/` : path));
    const id = "seed";
    await this.#files.prepare({ sourcePath, destination }, id, new Set(paths), none()).catch((error: unknown) => {
      this.#log.warn({ err: error }, "the list of the source was not written");
    });
    await this.#settleList(id, at);
  }

  /** Without the list a later push misses deletions; no file is lost. */
  async #writeList(staged: StagedSource, facts: PushFacts, isLeft: (path: string) => boolean): Promise<void> {
    const left = filtered(this.earlier(facts), (path) => !staged.paths.has(path) && isLeft(path));
    await this.#files.prepare(facts, staged.id, staged.paths, left).catch((error: unknown) => {
      this.#log.warn({ err: error }, "the list of a push was not written");
    });
  }

  /** Without the new base a later pull sees false differences or conflicts; no file is lost. */
  async #settleBase(pushId: string, switched: boolean): Promise<void> {
    await this.base.settle(pushId, switched).catch((error: unknown) => {
      this.#log.warn({ err: error }, "the base of a push was not kept");
    });
  }

  async #settleList(pushId: string, at: Committed["at"]): Promise<void> {
    await this.#files.settle(pushId, at).catch((error: unknown) => {
      this.#log.warn({ err: error }, "the list of a push was not kept");
    });
  }

  /** Asks the agent for the outcome of switches that an earlier daemon left open. */
  async takeOver(channel: Channel): Promise<void> {
    try {
      await this.#files.sweep([...this.#open.keys()]);
      await this.base.sweep([...this.#open.keys()]);
      for (const id of [...this.#open.keys()]) {
        const { isCommitted, at } = await askCommitted(channel, id);
        await this.#end(id, isCommitted, at);
      }
    } catch (error) {
      this.#log.warn({ err: error }, "the result of a push is not known yet");
    }
  }

  /** The commit is done or not, even if it cannot be recorded: the next daemon asks the agent for a missing outcome. */
  async #end(pushId: string, switched: boolean, at: Committed["at"]): Promise<void> {
    await this.#settleList(pushId, switched ? at : null);
    await this.#settleBase(pushId, switched);
    const entry: JournalEntry = { event: "push.ended", push_id: pushId, switched, at: new Date().toISOString() };
    this.#read(entry);
    await this.#journal
      .append(entry)
      .catch((error: unknown) => this.#log.error({ err: error }, "the end of a push was not written"));
  }
}

async function* filtered(
  files: AsyncIterable<PushedFile>,
  isKept: (path: string) => boolean,
): AsyncGenerator<PushedFile> {
  for await (const file of files) if (isKept(file.path)) yield file;
}

function describe({ mode, source_path, destination, entry_count, bytes_written }: Switching) {
  return { mode, source_path, destination, entry_count, bytes_written };
}

async function* none(): AsyncGenerator<never> {}
