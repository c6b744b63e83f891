import { dirname, join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import {
  chmodSync,
  copyFileSync,
  linkSync,
  lookAtName,
  lstatSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from "../../host/files.js";
import { copySparseSync } from "../../host/new-file.js";
import { sha256OfEntry } from "../../host/digest.js";
import { nextTurn } from "../../host/next-turn.js";
import { errnoOf } from "../host-failure.js";
import { explainDestination } from "./failure.js";
import { hasRealParents } from "./real-parents.js";
import type { Step } from "./steps.js";

/** Steps that are carried out before other work of the process gets a turn. */
const TURN = 256;
/** The unit in which file systems count the space of a file. */
const BLOCK_BYTES = 512;
/** A copy that may not be whole yet. */
const HALF = ".half";

/**
 * The steps of one pull on the host's tree. `work` is a private directory: `new/N` holds what step N puts in place, and `old/N` gets
 * the entry that it removes, so that any prefix of the steps can be undone, also by another process after this one died.
 */
export class Switch {
  readonly #root: string;
  readonly #work: string;
  readonly #steps: readonly Step[];

  constructor(root: string, work: string, steps: readonly Step[]) {
    this.#root = root;
    this.#work = work;
    this.#steps = steps;
  }

  /** Carries all steps out. When one fails, `undo` takes back those before it. Throws DESTINATION_UNUSABLE and DISK_FULL with the path. */
  async carryOut(): Promise<void> {
    for (const [index, step] of this.#steps.entries()) {
      if (index % TURN === TURN - 1) await nextTurn();
      await this.#explained(step.path, () => this.#carryOut(index, step));
    }
    // A directory may be read-only only after its content is in.
    for (const { path, after } of this.#steps.toReversed()) {
      if (after?.type === "directory") await this.#explained(path, (target) => setMode(target, after.mode));
    }
  }

  /** Takes back every step that was carried out, in any state in which a killed process can leave them. Throws what `carryOut` throws. */
  async undo(): Promise<void> {
    for (const { path, after } of this.#steps) {
      if (after?.type === "directory" && hasRealParents(this.#root, path)) openDirectory(join(this.#root, path));
    }
    for (let index = this.#steps.length - 1; index >= 0; index--) {
      if (index % TURN === 0) await nextTurn();
      const step = this.#steps[index];
      if (step !== undefined) await this.#explained(step.path, () => this.#takeBack(index, step));
    }
    for (const { path, before } of this.#steps) {
      if (before?.type !== "directory" || !hasRealParents(this.#root, path)) continue;
      await this.#explained(path, (target) => setMode(target, before.mode));
    }
  }

  async #explained(path: string, act: (target: string) => void | Promise<void>): Promise<void> {
    const target = join(this.#root, path);
    try {
      await act(target);
    } catch (error) {
      throw explainDestination(error, target);
    }
  }

  #carryOut(index: number, { path, before, after }: Step): void {
    const target = join(this.#root, path);
    if (!hasRealParents(this.#root, path)) throw appeared(path);
    if (after === null) return this.#removeTarget(index, target);
    if (after.type === "directory") {
      if (before?.type === "directory") return chmodSync(target, after.mode | 0o700);
      if (before !== null) move(target, this.#old(index), `${this.#old(index)}${HALF}`);
      return mkdirSync(target, { mode: after.mode | 0o700 });
    }
    if (before !== null) keep(target, this.#old(index));
    else if (lookAtName(target)) throw appeared(path);
    move(join(this.#work, "new", String(index)), target, this.#beside(index, target));
  }

  #removeTarget(index: number, target: string): void {
    if (!lstatSync(target).isDirectory()) return move(target, this.#old(index), `${this.#old(index)}${HALF}`);
    // It stays when it contains files of the host's own.
    removeDirectoryIfEmpty(target);
  }

  async #takeBack(index: number, step: Step): Promise<void> {
    const { path, before, after } = step;
    // Without real parents the step was not carried out. Nothing beyond a link may be changed.
    if (!hasRealParents(this.#root, path)) return;
    const target = join(this.#root, path);
    removeIfThere(this.#beside(index, target));
    if (before?.type === "directory") return bringDirectoryBack(target, before.mode, after);
    if (before !== null) return this.#bringBack(index, step);
    if (after === null || !isThere(target)) return;
    if (after.type === "directory") return void removeDirectoryIfEmpty(target);
    if (await isWhatWasWritten(target, after)) unlinkSync(target);
  }

  async #bringBack(index: number, { path, before, after }: Step): Promise<void> {
    const target = join(this.#root, path);
    // The step may have failed before it took anything away, on a file system that refuses to be written to.
    if (!isThere(this.#old(index)) || (before !== null && (await isStillThere(target, before)))) return;
    // The pull put a directory here. With entries of the host in it, it stays, and the old entry is not brought back.
    if (after?.type === "directory" && isDirectory(target) && !removeDirectoryIfEmpty(target)) throw appeared(path);
    move(this.#old(index), target, this.#beside(index, target));
  }

  #old(index: number): string {
    return join(this.#work, "old", String(index));
  }

  #beside(index: number, target: string): string {
    return join(dirname(target), `.pyro-pull-${index}`);
  }
}

/** Whether a file or link is the one that a step wrote. */
export async function isWhatWasWritten(path: string, written: NonNullable<Step["after"]>): Promise<boolean> {
  const stat = lookAtName(path);
  if (stat === null) return false;
  if (written.type === "directory") return stat.isDirectory();
  if (written.type === "link") return stat.isSymbolicLink() && readlinkSync(path) === written.target;
  return stat.isFile() && stat.size === written.sizeBytes && (await sha256OfEntry(path)) === written.digest;
}

/** True when an entry and its mode are the same as before the pull. */
async function isStillThere(path: string, before: NonNullable<Step["before"]>): Promise<boolean> {
  const isSameMode = before.type === "link" || ((lookAtName(path)?.mode ?? 0) & 0o777) === before.mode;
  return isSameMode && (await isWhatWasWritten(path, before));
}

/** Leaves the entry where it is, and makes it available at another path as well. */
function keep(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!isAcross(error)) throw error;
    copyByWayOf(`${to}${HALF}`, from, to);
  }
}

/** Moves a file or link in one step. On another file system it is first copied to `half`, a name in the target's directory. */
function move(from: string, to: string, half: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!isAcross(error)) throw error;
    copyByWayOf(half, from, to);
    unlinkSync(from);
  }
}

function copyByWayOf(half: string, from: string, to: string): void {
  removeIfThere(half);
  copy(from, half);
  renameSync(half, to);
}

function copy(from: string, to: string): void {
  const stat = lstatSync(from);
  if (stat.isSymbolicLink()) return symlinkSync(readlinkSync(from), to);
  const isSparse = stat.blocks * BLOCK_BYTES < stat.size;
  if (isSparse) return copySparseSync(from, to, stat.mode & 0o777);
  copyFileSync(from, to);
  chmodSync(to, stat.mode & 0o777);
}

function bringDirectoryBack(path: string, mode: number, after: Step["after"]): void {
  if (after?.type !== "directory" && isThere(path) && !isDirectory(path)) unlinkSync(path);
  if (!isThere(path)) mkdirSync(path, { mode: mode | 0o700 });
}

/** Sets the mode of a directory, if it is one and has another. */
function setMode(path: string, mode: number): void {
  const stat = lookAtName(path);
  if (stat?.isDirectory() && (stat.mode & 0o777) !== mode) chmodSync(path, mode);
}

/** Lets its owner change the entries of a directory. If that is refused, none of them can have been changed. */
function openDirectory(path: string): void {
  const stat = lookAtName(path);
  if (!stat?.isDirectory()) return;
  try {
    setMode(path, (stat.mode & 0o777) | 0o700);
  } catch (error) {
    if (errnoOf(error) === null) throw error;
  }
}

function removeDirectoryIfEmpty(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if (isNotEmpty(error)) return false;
    throw error;
  }
}

function removeIfThere(path: string): void {
  if (isThere(path)) unlinkSync(path);
}

function isThere(path: string): boolean {
  return lookAtName(path) !== null;
}

function isDirectory(path: string): boolean {
  return lookAtName(path)?.isDirectory() === true;
}

function isNotEmpty(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOTEMPTY" || code === "EEXIST" || code === "ENOTDIR";
}

/** True for the error of a move to another file system, or of one without hard links. */
function isAcross(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EXDEV" || code === "EPERM" || code === "EMLINK" || code === "ENOTSUP";
}

function appeared(path: string): PyroError {
  return new PyroError("DESTINATION_CHANGED", `${path} changed on the host during the pull.`, { details: { path } });
}
