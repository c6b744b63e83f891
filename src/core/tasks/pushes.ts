import { randomBytes } from "node:crypto";

import type { ResultOf } from "../../contract/operations.js";
import type { Channel } from "../../guest/channel.js";
import { isCommitted } from "../../guest/stage.js";
import { abortable } from "../../host/abortable.js";
import type { Log } from "../../host/log.js";
import type { Journal } from "../../store/journal.js";
import type { JournalEntry } from "../../store/journal-entry.js";
import type { StagedSource } from "./import.js";

type Switching = Extract<JournalEntry, { event: "push.switching" }>;
type LastPush = NonNullable<ResultOf<"task.status">["last_push"]>;

/** Where a push came from and where it goes. */
export interface PushFacts {
  readonly mode: "directory" | "file" | "archive";
  readonly sourcePath: string;
  readonly destination: string;
}

/**
 * The pushes of one task, as its journal has them. A switch is announced in the journal before the agent is asked for it, so that
 * a daemon that finds one without an end asks the agent how it ended.
 */
export class Pushes {
  readonly #journal: Journal;
  readonly #log: Log;
  readonly #open = new Map<string, Switching>();
  #last: LastPush | null = null;
  /** Settles when the push before has ended. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(journal: Journal, log: Log) {
    this.#journal = journal;
    this.#log = log;
    for (const entry of journal.entries) this.#read(entry);
  }

  /** The last one that was switched in. */
  get last(): LastPush | null {
    return this.#last;
  }

  /** One push after the other: what one finds unchanged in the workspace, another must not change before it is switched in. */
  async inTurn<T>(signal: AbortSignal, push: () => Promise<T>): Promise<T> {
    const before = this.#turn;
    let end = () => {};
    const turn = new Promise<void>((resolve) => (end = resolve));
    this.#turn = before.then(() => turn);
    try {
      await abortable(before, signal);
      return await push();
    } finally {
      end();
    }
  }

  #read(entry: JournalEntry): void {
    if (entry.event === "push.switching") this.#open.set(entry.push_id, entry);
    if (entry.event !== "push.ended") return;
    const begun = this.#open.get(entry.push_id);
    this.#open.delete(entry.push_id);
    if (begun && entry.switched) this.#last = { ...describe(begun), pushed_at: entry.at };
  }

  /**
   * Switches a staged source in. When this throws, the workspace is as it was; only when the VM died or the daemon lets go of it
   * is that not known yet, and the switch stays open in the journal.
   */
  async switchIn(staged: StagedSource, { mode, sourcePath, destination }: PushFacts): Promise<void> {
    const { id } = staged;
    const { entryCount, bytesWritten } = staged.counts;
    const begun: Switching = {
      event: "push.switching",
      ...{ push_id: id, mode, source_path: sourcePath, destination },
      ...{ entry_count: entryCount, bytes_written: bytesWritten, at: new Date().toISOString() },
    };
    await this.#journal.append(begun);
    this.#read(begun);
    const refusal = await staged.commit();
    await this.#end(id, refusal === null);
    if (refusal) throw refusal;
  }

  /** Asks the agent how the switches ended that an earlier daemon did not see the end of. */
  async takeOver(channel: Channel): Promise<void> {
    try {
      for (const id of [...this.#open.keys()]) await this.#end(id, await isCommitted(channel, id));
    } catch (error) {
      this.#log.warn({ err: error }, "how a push ended is not known yet");
    }
  }

  /** The switch is done or not, whatever can be written down: an end that is missing is asked for again by the next daemon. */
  async #end(pushId: string, switched: boolean): Promise<void> {
    const entry: JournalEntry = { event: "push.ended", push_id: pushId, switched, at: new Date().toISOString() };
    this.#read(entry);
    await this.#journal
      .append(entry)
      .catch((error: unknown) => this.#log.error({ err: error }, "the end of a push was not written"));
  }
}

/** A name that no other push has. */
export function newPushId(): string {
  return randomBytes(16).toString("hex");
}

function describe({ mode, source_path, destination, entry_count, bytes_written }: Switching) {
  return { mode, source_path, destination, entry_count, bytes_written };
}
