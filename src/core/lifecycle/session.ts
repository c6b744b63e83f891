import type { FoundMachine, MachineHandle } from "../../backend/backend.js";
import { PyroError, reasonOf } from "../../contract/errors.js";
import type { Channel } from "../../guest/channel.js";
import type { Log } from "../../host/log.js";
import type { LostMachine } from "../machines/facts.js";
import type { LastingMachines } from "../machines/lasting.js";
import { watchSilence } from "./silence.js";

/** How a machine was lost: its process ended, or its agent broke the protocol or can never be reached. */
export interface Loss {
  readonly how: "died" | "broken";
  readonly reason: string;
}

export interface SessionOptions {
  readonly machine: FoundMachine;
  readonly machines: Pick<LastingMachines, "destroy">;
  readonly log: Log;
  /** Where the disk of a lost machine is kept; it is removed unless this is given. */
  readonly keepDiskIn?: string;
  /** Called once, when the agent has answered. */
  readonly onAnswer: (channel: Channel) => void;
  /** Called at once when a machine is lost, with the handling of the loss. */
  readonly onLosing?: (handled: Promise<void>) => void;
  /** Called when a machine was lost without being ended or detached. Its remains have been removed. */
  readonly onLost: (loss: Loss) => Promise<void>;
}

/** The machine of a task or VM, from its start or adoption until it is lost, ended or detached. */
export class MachineSession {
  readonly machine: FoundMachine;
  /** Why the machine does not answer at the moment; null when it does. */
  readonly explainSilence: () => string | null;
  readonly #options: SessionOptions;
  #channel: Channel | null = null;
  #isDetached = false;
  #ending: Promise<void> | null = null;

  constructor(options: SessionOptions) {
    this.machine = options.machine;
    this.#options = options;
    this.explainSilence = watchSilence(options.machine);
    void this.#watch();
  }

  /** Null until the agent has answered. */
  get channel(): Channel | null {
    return this.#channel;
  }

  /** False once the machine is being ended. */
  get isOpen(): boolean {
    return this.#ending === null;
  }

  /** Ends the machine and removes its remains. */
  end(keepDiskIn?: string): Promise<void> {
    this.#ending ??= this.#options.machines.destroy(this.machine, keepDiskIn);
    return this.#ending;
  }

  /** Closes the channel; the machine keeps running for the next daemon. */
  detach(): void {
    this.#isDetached = true;
    this.machine.ready.then(({ channel }) => channel.close()).catch(() => {});
  }

  async #watch(): Promise<void> {
    const loss = await this.#loss();
    if (this.#isDetached || !this.isOpen) return;
    this.#options.log.warn({ machine: this.machine.id, reason: loss.reason }, "a machine was lost");
    const handled = this.#handle(loss);
    this.#options.onLosing?.(handled);
    await handled;
  }

  async #handle(loss: Loss): Promise<void> {
    const { log, keepDiskIn, onLost } = this.#options;
    await this.end(keepDiskIn).catch((error: unknown) => log.error({ err: error }, "clean-up failed"));
    await onLost(loss).catch((error: unknown) => log.error({ err: error }, "the loss could not be recorded"));
  }

  async #loss(): Promise<Loss> {
    const { ready, died } = this.machine;
    const ended = died.then((reason): Loss => ({ how: "died", reason }));
    const closed = ready.then(({ channel }) => {
      this.#channel = channel;
      this.#options.onAnswer(channel);
      return channel.closed;
    }, PyroError.from);
    // The channel of a machine that dies closes too.
    const broken = closed.then((error): Loss | Promise<Loss> =>
      error.code === "VM_DIED" ? ended : { how: "broken", reason: reasonOf(error) },
    );
    return Promise.race([ended, broken]);
  }
}

/** Lets the agent release the jobs of earlier daemons, except running ones. */
export function releaseJobs(channel: Channel, running: readonly number[]): void {
  for (const job of channel.hello.jobs) {
    if (!running.includes(job)) channel.request("release", { job }).catch(() => {});
  }
}

/** The machine's fields of a record; nulls for a machine that cannot be adopted. */
interface RecordedMachine extends Omit<LostMachine, "handle" | "environmentDigest"> {
  readonly handle: MachineHandle | null;
  readonly environmentDigest: string | null;
}

/** Adopts the machine of a record. Returns null when it has ended, and the error when it could not be adopted. */
export async function adoptMachine(
  machines: Pick<LastingMachines, "adopt">,
  { id, backend, handle, environmentDigest }: RecordedMachine,
  log: Log,
): Promise<FoundMachine | PyroError | null> {
  if (handle === null || environmentDigest === null) return null;
  try {
    return await machines.adopt({ id, backend, handle, environmentDigest });
  } catch (error) {
    log.warn({ machine: id, err: error }, "a machine could not be taken over");
    return PyroError.from(error);
  }
}
