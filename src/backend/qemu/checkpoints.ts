import { PyroError } from "../../contract/errors.js";
import type { Log } from "../../host/log.js";
import { readAvailableMemoryMib } from "../../host/platform.js";
import {
  type Checkpoint,
  type CheckpointPrograms,
  describeHost,
  findCheckpoint,
  removeCheckpoints,
} from "./checkpoint.js";
import type { ClonePlace, CloneSource } from "./start-clone.js";
import { makeCheckpoint } from "./make-checkpoint.js";
import { countMemoryMib } from "./memory.js";
import type { Template } from "./template.js";

/** Memory that stays available to the host while a checkpoint is made. */
const HEADROOM_MIB = 2_048;

/** True when the limits on all VMs together have room for one more. */
export type IsAllowed = (share: { readonly memoryMib: number; readonly diskMib: number }) => boolean;

/** The checkpoints of a home's templates. They are made in the background, one after the other, and clones do without them until then. */
export class Checkpoints {
  readonly #place: ClonePlace;
  readonly #programs: CheckpointPrograms;
  readonly #isAllowed: IsAllowed;
  readonly #log: Log;
  readonly #closing = new AbortController();
  /** Identities of templates for which a checkpoint was wanted: each is tried once. */
  readonly #tried = new Set<string>();
  /** Those whose checkpoint could not be continued. */
  readonly #broken = new Set<string>();
  #host: Promise<string> | null = null;
  #last: Promise<void> = Promise.resolve();

  constructor(place: ClonePlace, programs: CheckpointPrograms, isAllowed: IsAllowed, log: Log) {
    this.#place = place;
    this.#programs = programs;
    this.#isAllowed = isAllowed;
    this.#log = log;
  }

  /** The checkpoint to continue; null where a clone starts a QEMU of its own. */
  async find({ template, toolchain, snapshot }: CloneSource): Promise<Checkpoint | null> {
    if (snapshot !== null || !canContinue(template, toolchain) || this.#broken.has(template.identity)) return null;
    return findCheckpoint(template, await this.#describeHost());
  }

  /** Has the template's checkpoint made, unless it was tried before, or the host is short of memory, or the limits have no room for its VM now. */
  want(source: CloneSource): void {
    const { template, toolchain, shape } = source;
    if (!canContinue(template, toolchain) || this.#tried.has(template.identity) || this.#closing.signal.aborted) return;
    const memoryMib = countMemoryMib(shape.memMib, template.accelerator);
    if (readAvailableMemoryMib() < memoryMib + HEADROOM_MIB) return;
    if (!this.#isAllowed({ memoryMib, diskMib: shape.diskMib })) return;
    this.#tried.add(template.identity);
    this.#last = this.#last.then(() => this.#make(source));
  }

  /** No clone of this daemon continues the template's checkpoint any more. The next daemon makes another one. */
  async giveUp({ template }: CloneSource, error: unknown): Promise<void> {
    this.#broken.add(template.identity);
    this.#tried.add(template.identity);
    this.#log.warn(
      { key: template.key, err: error },
      "a checkpoint could not be continued; clones start their own QEMU",
    );
    await removeCheckpoints(template).catch(() => {});
  }

  /** Ends the one that is being made. */
  async close(): Promise<void> {
    this.#closing.abort(new PyroError("ABORTED", "The daemon ends."));
    await this.#last;
  }

  #describeHost(): Promise<string> {
    return (this.#host ??= describeHost(this.#programs));
  }

  async #make(source: CloneSource): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted) return;
    const started = performance.now();
    try {
      await makeCheckpoint(this.#place, this.#programs, source, await this.#describeHost(), signal);
      const ms = Math.round(performance.now() - started);
      this.#log.info({ key: source.template.key, ms }, "checkpoint made");
    } catch (error) {
      if (!signal.aborted) this.#log.warn({ key: source.template.key, err: error }, "no checkpoint could be made");
    }
  }
}

/** Only an emulating QEMU has translated code to keep. In a container that is the jail, each VM has other paths. */
function canContinue({ accelerator }: Template, { jailer }: CloneSource["toolchain"]): boolean {
  return accelerator === "tcg" && jailer.kind === "bubblewrap";
}
