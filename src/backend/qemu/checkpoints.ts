import { PyroError } from "../../contract/errors.js";
import { rm } from "../../host/files.js";
import type { Log } from "../../host/log.js";
import { readAvailableMemoryMib } from "../../host/platform.js";
import { type Checkpoint, type CheckpointPrograms, describeHost, findCheckpoint } from "./checkpoint.js";
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
  /** Identities of templates for which a checkpoint was wanted: each is tried once, and once more after it could not be continued. */
  readonly #tried = new Set<string>();
  /** The directory of the first checkpoint of a template that could not be continued. */
  readonly #failed = new Map<string, string>();
  #host: Promise<string> | null = null;
  #last: Promise<void> = Promise.resolve();

  constructor(place: ClonePlace, programs: CheckpointPrograms, isAllowed: IsAllowed, log: Log) {
    this.#place = place;
    this.#programs = programs;
    this.#isAllowed = isAllowed;
    this.#log = log;
  }

  /** The checkpoint to continue; null where a clone starts a QEMU of its own, also when the files cannot be read. */
  async find({ template, toolchain, snapshot }: CloneSource): Promise<Checkpoint | null> {
    if (snapshot !== null || !canContinue(template, toolchain)) return null;
    try {
      return await findCheckpoint(template, await this.#describeHost());
    } catch {
      return null;
    }
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

  /**
   * Removes a checkpoint that a clone could not continue. QEMU's libraries or pyro may have been updated since it was made, so this daemon
   * may make another one; after a second failure it makes none.
   */
  async giveUp({ template }: CloneSource, { directory }: Checkpoint, error: unknown): Promise<void> {
    const { key, identity } = template;
    const first = this.#failed.get(identity) ?? directory;
    this.#failed.set(identity, first);
    if (first === directory) this.#tried.delete(identity);
    this.#log.warn({ key, err: error }, "a checkpoint could not be continued; a clone started its own QEMU");
    await rm(directory, { recursive: true, force: true }).catch(() => {});
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
