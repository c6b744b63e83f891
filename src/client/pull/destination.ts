import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { mkdir, readdir, readFile, readJson, realpath, rename, rm, stat, writeFileAtomic } from "../../host/files.js";
import { type HeldLock, lockFile } from "../../host/locks.js";
import type { Entry } from "../../workspace/entry.js";
import { findFlock } from "../flock.js";
import type { Step } from "./steps.js";
import { Switch } from "./switch.js";
import { shortDigest } from "../../host/short-digest.js";

/** The record that this client writes when a pull begins. */
interface Facts {
  readonly format: 1;
  readonly task_id: string;
  /** Missing in records of an older client, and for a task without a name. */
  readonly task_name?: string;
  readonly destination: string;
  /** UTC, ISO 8601. */
  readonly pulled_at: string;
}

/** How a pull that a killed client left was brought to an end. */
export type Recovery = "rolled-back" | "undone";

/** A path, and its entry in a base. */
export type BaseEntry = readonly [path: string, entry: Entry | null];

/** A pull that can be undone. */
export interface FinishedPull {
  readonly facts: Facts;
  readonly steps: readonly Step[];
  /** The entries that the base had at the settled paths before the pull. */
  readonly base: readonly BaseEntry[];
  readonly switch: Switch;
}

const [CURRENT, LAST] = ["current", "last"];
const [FACTS, STEPS, DONE, UNDOING] = ["pull.json", "steps.json", "done", "undoing"];

/**
 * The journal of the pulls into one directory, in PYRO_HOME/pulls/KEY: `current/` is a pull under way, `last/` the latest one that
 * ended. `steps.json` is written right before the first step, `done` after the last. Held by one process at a time.
 */
export class Destination {
  readonly root: string;
  /** The interrupted work that an earlier client left; null when there is none. */
  readonly recovery: Recovery | null;
  /** The directory of the journal. */
  readonly journal: string;
  readonly #lock: HeldLock;

  private constructor(root: string, directory: string, lock: HeldLock, recovery: Recovery | null) {
    this.root = root;
    this.journal = directory;
    this.#lock = lock;
    this.recovery = recovery;
  }

  /**
   * Locks the directory, and completes an interrupted pull. Throws DESTINATION_UNUSABLE when it is not a directory, and
   * FAILED_PRECONDITION while another process pulls into it.
   */
  static async open(homePath: string, path: string): Promise<Destination> {
    const root = await resolveDirectory(path);
    const directory = join(homePath, "pulls", shortDigest(root, 32));
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const lock = await takeLock(join(directory, "lock"), root);
    try {
      return new Destination(root, directory, lock, await recover(root, directory));
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  close(): void {
    this.#lock.release();
  }

  /** A directory for the files of a pull. */
  async begin({ taskId, taskName }: { readonly taskId: string; readonly taskName: string | null }): Promise<string> {
    const current = join(this.journal, CURRENT);
    await rm(current, { recursive: true, force: true });
    await mkdir(join(current, "new"), { recursive: true, mode: 0o700 });
    await mkdir(join(current, "old"), { mode: 0o700 });
    const facts: Facts = {
      format: 1,
      task_id: taskId,
      ...(taskName !== null && { task_name: taskName }),
      destination: this.root,
      pulled_at: new Date().toISOString(),
    };
    await writeFileAtomic(join(current, FACTS), JSON.stringify(facts));
    return current;
  }

  /** Carries the steps of the pull out, all or none. */
  async carryOut(steps: readonly Step[], base: readonly BaseEntry[]): Promise<void> {
    const current = join(this.journal, CURRENT);
    await writeFileAtomic(join(current, STEPS), JSON.stringify({ steps, base }));
    await new Switch(this.root, current, steps).carryOut();
    await writeFileAtomic(join(current, DONE), "");
    await keepAsLast(this.journal);
  }

  /** Takes back a pull that failed with `failure`, and drops it. Throws when that is not possible; the next command for the directory tries again. */
  async cancel(failure: unknown): Promise<void> {
    try {
      await recover(this.root, this.journal);
    } catch (error) {
      throw incomplete(this.root, PyroError.from(failure), PyroError.from(error));
    }
  }

  /** The latest pull; null when there was none, or it was undone. */
  async last(): Promise<FinishedPull | null> {
    return readPull(this.root, join(this.journal, LAST));
  }

  async undo(pull: FinishedPull): Promise<void> {
    const last = join(this.journal, LAST);
    await writeFileAtomic(join(last, UNDOING), "");
    await pull.switch.undo();
    await rm(last, { recursive: true, force: true });
  }
}

/** The last pull of a task, by the task's id or name; null when none can be undone. */
export async function findLastPull(homePath: string, task: string): Promise<Facts | null> {
  const pulls = join(homePath, "pulls");
  let latest: Facts | null = null;
  for (const key of await readdir(pulls).catch((): string[] => [])) {
    for (const place of [CURRENT, LAST]) {
      const facts = await readFacts(join(pulls, key, place)).catch(() => null);
      const isMeant = facts?.task_id === task || facts?.task_name === task;
      if (isMeant && (latest === null || facts.pulled_at > latest.pulled_at)) latest = facts;
    }
  }
  return latest;
}

async function recover(root: string, directory: string): Promise<Recovery | null> {
  const names = await readdir(join(directory, CURRENT)).catch((): string[] => []);
  let recovery: Recovery | null = null;
  if (names.includes(DONE)) {
    await keepAsLast(directory);
  } else if (names.includes(STEPS)) {
    await (await readPull(root, join(directory, CURRENT)))?.switch.undo();
    recovery = "rolled-back";
  }
  await rm(join(directory, CURRENT), { recursive: true, force: true });
  const last = join(directory, LAST);
  if ((await readdir(last).catch((): string[] => [])).includes(UNDOING)) {
    await (await readPull(root, last))?.switch.undo();
    await rm(last, { recursive: true, force: true });
    recovery = "undone";
  }
  return recovery;
}

async function readPull(root: string, work: string): Promise<FinishedPull | null> {
  const facts = await readFacts(work);
  const written = (await readJson(join(work, STEPS))) as Pick<FinishedPull, "steps" | "base"> | null;
  if (facts === null || written === null) return null;
  return { facts, ...written, switch: new Switch(root, work, written.steps) };
}

/** Null when there is none, or when a newer pyro wrote it. */
async function readFacts(work: string): Promise<Facts | null> {
  const facts = (await readJson(join(work, FACTS))) as Facts | null;
  return facts?.format === 1 ? facts : null;
}

async function keepAsLast(directory: string): Promise<void> {
  await rm(join(directory, LAST), { recursive: true, force: true });
  await rename(join(directory, CURRENT), join(directory, LAST));
}

function incomplete(root: string, { code, message, details }: PyroError, { message: why }: PyroError): PyroError {
  return new PyroError(code, `${message} A part of the pull stays in ${root}, since it cannot be taken back: ${why}`, {
    hint: "Correct that, then run `pyro task sync undo TASK`, which takes the rest back.",
    details,
  });
}

/** Returns the directory without links. Throws DESTINATION_UNUSABLE. */
export async function resolveDirectory(path: string): Promise<string> {
  const unusable = (why: string, cause?: unknown) =>
    new PyroError("DESTINATION_UNUSABLE", `The destination ${path} ${why}.`, { details: { path }, cause });
  try {
    const root = await realpath(path);
    if (!(await stat(root)).isDirectory()) throw unusable("is not a directory");
    return root;
  } catch (error) {
    if (error instanceof PyroError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw unusable(code === "ENOENT" ? "does not exist" : `cannot be read (${code ?? "unknown reason"})`, error);
  }
}

async function takeLock(path: string, root: string): Promise<HeldLock> {
  const lock = lockFile(path, await findFlock(process.env));
  if (lock !== null) return lock;
  const pid = await readFile(path, "utf8").catch(() => "?");
  throw new PyroError("FAILED_PRECONDITION", `Process ${pid} is pulling into ${root}.`, {
    hint: "Wait until it has ended, then pull again.",
    details: { path: root, pid },
  });
}
