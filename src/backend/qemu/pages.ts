import type { Readable } from "node:stream";

import { PyroError } from "../../contract/errors.js";
import { readLines } from "../../host/lines.js";
import { describeEnd, spawnDetached, type ChildProcess } from "../../host/spawn.js";
import { runTool } from "../../host/tool.js";
import { explainDenial } from "./denial.js";

/** Descriptor 3 takes requests, descriptor 4 returns answers: keeper/src/pages.c. */
const QUESTIONS_FD = 3;
const ANSWERS_FD = 4;
const MAX_ANSWER_BYTES = 256;

/** Exit statuses of pyro-pages. */
const DISK_IS_FULL = 3;
const NOT_ALLOWED = 4;
const IS_GONE = 5;

/** Copies the changed memory and the disk of one VM: prepares while that runs, and copies while it is paused. */
export class PagesSaving implements Disposable {
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;
  readonly #answers: AsyncGenerator<string, void>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = describeEnd(child);
    const streams: readonly unknown[] = child.stdio;
    const questions = streams[QUESTIONS_FD] as NodeJS.WritableStream;
    questions.on("error", () => {});
    this.#answers = readLines(streams[ANSWERS_FD] as Readable, MAX_ANSWER_BYTES);
  }

  /** `overlay` is the VM's disk. The files are made in `directory`. */
  static start(helper: string, pid: number, memoryBytes: number, overlay: string, directory: string): PagesSaving {
    const args = ["save", String(pid), String(memoryBytes), overlay, directory];
    return new PagesSaving(spawnDetached(helper, args, { extraFds: ["pipe", "pipe"], env: {} }));
  }

  /** Resolves when the files of the snapshot exist, with a disk of a moment before. */
  async begun(): Promise<void> {
    await this.#answer(/^begun$/);
  }

  /** Resolves when everything is prepared that can be done before the pause. */
  async prepared(): Promise<void> {
    await this.#answer(/^ready$/);
  }

  /** Copies the pages that the paused VM has changed. Returns the size of its memory in bytes. */
  async copy(): Promise<number> {
    const streams: readonly unknown[] = this.#child.stdio;
    (streams[QUESTIONS_FD] as NodeJS.WritableStream).write("copy\n");
    return Number((await this.#answer(/^copied (\d+)$/))[1]);
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }

  async #answer(expected: RegExp): Promise<RegExpExecArray> {
    const { value } = await this.#answers.next();
    const found = expected.exec(value ?? "");
    if (found) return found;
    const how = await this.#ended;
    throw buildFailure(this.#child.exitCode, how);
  }
}

/** Why this process may not read the memory of another one; null when it may. */
export async function tryReading(helper: string, pid: number): Promise<string | null> {
  const { exitCode, stderr } = await runTool(helper, ["try", String(pid)], { env: {} });
  return exitCode === 0 ? null : stderr.trim();
}

function buildFailure(exitCode: number | null, how: string): PyroError {
  if (exitCode === NOT_ALLOWED) return explainDenial(how);
  if (exitCode === DISK_IS_FULL) return new PyroError("DISK_FULL", `The disk has no space for the snapshot: ${how}`);
  if (exitCode === IS_GONE) return new PyroError("VM_DIED", `The VM ended: ${how}`);
  if (exitCode === null) {
    return new PyroError("RESOURCE_EXHAUSTED", `The program that copies the VM's memory was ended: ${how}.`, {
      hint: "Try again. If the host has run out of memory, stop or delete tasks first.",
    });
  }
  return new PyroError("INTERNAL", `pyro-pages failed: ${how}`);
}
