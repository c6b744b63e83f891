import type { Machine, SavedMachine, StartOptions } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { Call } from "../call.js";
import type { Snapshot } from "../snapshots/snapshots.js";
import { whileUsed } from "../snapshots/uses.js";
import type { NewMachines, NewMachinesOptions } from "./new-machines.js";
import { savedMachineOf } from "./saved.js";
import { letOutlive, resumeMachine } from "./start.js";

interface ContinuationsOptions extends Pick<NewMachinesOptions, "backends" | "environments"> {
  readonly room: NewMachines["room"];
  /** Registers a machine that has started; `release` is called when the machine has been removed. */
  readonly use: (machine: Machine, release: () => void) => void;
}

/** A machine that is to continue a snapshot. */
interface NewContinuation {
  readonly id: string;
  readonly options: StartOptions;
  /** Whether the machine outlives the daemon. */
  readonly outlives: boolean;
}

/** Machines that continue where snapshots were made. */
export class Continuations {
  readonly #options: ContinuationsOptions;

  constructor(options: ContinuationsOptions) {
    this.#options = options;
  }

  /** Starts a machine, which holds the snapshot's environment until it is removed. */
  async start(snapshot: Snapshot, { id, options, outlives }: NewContinuation, call: Call): Promise<Machine> {
    const { backends, environments, room, use } = this.#options;
    const release = environments.hold(snapshot.record.environment_digest);
    try {
      const saved = this.#savedOf(snapshot);
      const resumed = await whileUsed(snapshot, () => resumeMachine(id, backends.vms, saved, options, room));
      const machine = outlives ? await letOutlive(resumed) : resumed;
      use(machine, release);
      return machine;
    } catch (error) {
      release();
      if (call.signal.aborted) throw new PyroError("ABORTED", "The call was cancelled before the machine ran.");
      throw error;
    }
  }

  /** Why nothing can start from a snapshot here and now; null when it can. */
  check(snapshot: Snapshot): Promise<PyroError | null> {
    return this.#options.backends.vms.checkSnapshot(this.#savedOf(snapshot));
  }

  /** Copies the disk of a snapshot into a file. */
  packDisk(snapshot: Snapshot, to: string, signal: AbortSignal): Promise<void> {
    const saved = this.#savedOf(snapshot);
    return whileUsed(snapshot, () => this.#options.backends.vms.packDisk(saved, to, signal));
  }

  #savedOf(snapshot: Snapshot): SavedMachine {
    const { rootPath } = this.#options.environments.filesOf(snapshot.record.environment_digest);
    return savedMachineOf(snapshot, rootPath);
  }
}
