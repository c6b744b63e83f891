import type { FoundMachine, KeptDisk, Machine, MachineHandle, Presence, VmShape } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { IsolationLevel } from "../../contract/isolation-levels.js";
import type { Channel } from "../../guest/channel.js";
import { readSnapshotFacts } from "../../store/snapshot-facts.js";
import type { Call } from "../call.js";
import type { Snapshot } from "../snapshots/snapshots.js";
import { Continuations } from "./continuations.js";
import type { AcquiredMachine, LostMachine } from "./facts.js";
import { fitShape } from "./fit-shape.js";
import { newMachineId } from "./machine-id.js";
import { NewMachines, type NewMachinesOptions } from "./new-machines.js";
import { type MachineRequest, shapeOf, startOptionsOf } from "./request.js";
import { explainUnusable, lastJobOf, noForks, shapeOfSnapshot } from "./saved.js";
import type { SpareCount } from "./spare-kind.js";
import { SnapshotDisks } from "./snapshot-disks.js";
import { countRoom, openDiskMachine } from "./start.js";

/** A machine that continues a snapshot. */
interface Continuation {
  readonly id: string;
  /** The least isolation that its task accepts; null when it has no requirement. */
  readonly requireIsolation: IsolationLevel | null;
}

/** The facts of a task whose disk is read. */
interface DiskOwner {
  readonly environmentDigest: string;
  readonly requireIsolation: IsolationLevel | null;
}

/** The machines of one daemon: it assigns them to runs, VMs and tasks, keeps spares, and removes each in the end. */
export class Machines {
  readonly #options: NewMachinesOptions;
  readonly #used = new Map<string, { readonly machine: Presence; readonly release: () => void }>();
  readonly #new: NewMachines;
  readonly #continuations: Continuations;
  /** Each ends a machine that is unused at the moment. */
  readonly #offered = new Set<() => Promise<void>>();
  readonly #disks = new SnapshotDisks({
    open: async ({ directory, record, taskPath }, signal) => {
      const { require_isolation: requireIsolation } = (await readSnapshotFacts(taskPath)).record;
      const kept = { directory, snapshot: record.machine };
      return this.openDisk(kept, { environmentDigest: record.environment_digest, requireIsolation }, signal);
    },
    close: (helper) => this.destroy(helper),
    offer: (end) => this.offer(end),
  });

  constructor(options: NewMachinesOptions) {
    this.#options = options;
    const endOffered = () => Promise.all([...this.#offered].map((end) => end()));
    this.#new = new NewMachines({ ...options, endOffered });
    this.#continuations = new Continuations({
      ...options,
      room: this.#new.room,
      use: (machine, release) => void this.#used.set(machine.id, { machine, release }),
    });
  }

  /** How many machines callers use. */
  inUse(): number {
    return this.#used.size;
  }

  /** The most host memory that the machines in use can take, in MiB. */
  reservedMib(): number {
    return [...this.#used.values()].reduce((sum, { machine }) => sum + (machine.reservedMib ?? 0), 0);
  }

  /** Machines kept ready for the next commands, and those being made, by kind. */
  spares(): SpareCount[] {
    return this.#new.spares();
  }

  /** A machine of the caller's own, woken and ready for a command. Pulls the environment when it is missing, unless no machine can run. */
  async acquire(request: MachineRequest, call: Call): Promise<AcquiredMachine> {
    await this.assertIsolation(request.requireIsolation);
    const saved = request.snapshot ?? this.#options.findSaved?.(request.environment) ?? null;
    if (saved !== null) return this.#acquireSaved(saved, request, call);
    try {
      const { environmentDigest, image, shape, ...ready } = await this.#new.make(request, call);
      this.#used.set(ready.machine.id, ready);
      return { machine: ready.machine, environmentDigest, image, shape, snapshot: null };
    } catch (error) {
      if (call.signal.aborted) throw new PyroError("ABORTED", "The call was cancelled before the command started.");
      throw error;
    }
  }

  /** The identity of an environment at this moment: its digest, or the id of the snapshot that it is. Pulls it when it is missing. */
  async identify(environment: string, call: Call): Promise<string> {
    const saved = this.#options.findSaved?.(environment) ?? null;
    return saved?.record.snapshot_id ?? this.#new.identify(environment, call);
  }

  /** One of a saved environment: with its processes, and with the network that the request has. */
  async #acquireSaved(saved: Snapshot, request: MachineRequest, call: Call): Promise<AcquiredMachine> {
    const { environment_digest: environmentDigest } = saved.record;
    const shape = fitShape(request.environment, shapeOf(request), shapeOfSnapshot(saved));
    const lastJob = await lastJobOf(saved);
    const options = { ...startOptionsOf(request, call), network: request.network };
    const id = request.id ?? newMachineId();
    const outlives = request.outlives === true;
    const machine = await this.#continuations.start(saved, { id, options, outlives }, call).catch((error: unknown) => {
      throw explainUnusable(error, request.environment);
    });
    machine.channel.skipStreams(lastJob);
    return { machine, environmentDigest, image: undefined, shape, snapshot: saved };
  }

  /** Throws HOST_NOT_ABLE when this host gives less than a caller, a task or the daemon's own setting requires. */
  assertIsolation(required: IsolationLevel | null | undefined): Promise<void> {
    return this.#options.isolation.assert(required ?? undefined);
  }

  /**
   * A machine that outlives the daemon and continues where a snapshot was made, woken under its own id. It gets a network like the
   * snapshot's. Throws FAILED_PRECONDITION when nothing can start from the snapshot here, RESOURCE_EXHAUSTED when it does not fit, and
   * HOST_NOT_ABLE when this host gives less isolation than its task requires.
   */
  async acquireFrom(snapshot: Snapshot, { id, requireIsolation }: Continuation, call: Call): Promise<Machine> {
    await this.assertIsolation(requireIsolation);
    const options = startOptionsOf({ network: snapshot.record.network }, call);
    return this.#continuations.start(snapshot, { id, options, outlives: true }, call);
  }

  /** Like acquireFrom, but the machine ends with the daemon. */
  async borrowFrom(snapshot: Snapshot, requireIsolation: IsolationLevel | null, call: Call): Promise<Machine> {
    await this.assertIsolation(requireIsolation);
    const options = startOptionsOf({ network: snapshot.record.network }, call);
    return this.#continuations.start(snapshot, { id: newMachineId(), options, outlives: false }, call);
  }

  /** Why nothing can start from a snapshot here and now; null when it can. */
  checkSnapshot(snapshot: Snapshot): Promise<PyroError | null> {
    return this.#continuations.check(snapshot);
  }

  /** Copies the disk of a snapshot into a file, which then needs nothing else. It works when the memory cannot be used any more. */
  packDisk(snapshot: Snapshot, to: string, signal: AbortSignal): Promise<void> {
    return this.#continuations.packDisk(snapshot, to, signal);
  }

  /** How many more VMs of a shape there is room for. Throws HOST_NOT_ABLE where there are no VMs. */
  async countRoom(mode: string, shape: VmShape, wanted: number): Promise<{ room: number; neededMib: number }> {
    if (mode === "host_compat") throw noForks();
    return countRoom(this.#options.backends.vms, { shape, wanted }, this.#new.room);
  }

  /** Adopts a machine of an earlier daemon, whether or not it answers; null when it has ended. */
  async adopt(lost: LostMachine): Promise<FoundMachine | null> {
    const machine = await this.#options.backends.get(lost.backend).adopt(lost.id, lost.handle);
    if (machine === null) return null;
    const { budget, environments } = this.#options;
    const share = { memoryMib: machine.reservedMib ?? 0, diskMib: machine.reservedDiskMib ?? 0 };
    const releases = [environments.hold(lost.environmentDigest), budget.hold(share)];
    this.#used.set(lost.id, { machine, release: () => releases.forEach((release) => release()) });
    return machine;
  }

  /** Ends the machines of an earlier daemon, except those in use and those named. Only before any machine is started. */
  sweep(keep: ReadonlySet<string>): Promise<void> {
    return this.#sweep((id) => !this.#used.has(id) && !keep.has(id));
  }

  /** Ends a machine of an earlier daemon, by its id alone. */
  endLost(id: string): Promise<void> {
    return this.#sweep((candidate) => candidate === id);
  }

  /** Protects an environment, and files that were prepared for it, from pruning until the release is called. */
  hold(environmentDigest: string): () => void {
    return this.#options.environments.hold(environmentDigest);
  }

  /** Moves the disk of a machine that is gone into a directory. */
  keepDisk(id: string, handle: MachineHandle, into: string): Promise<void> {
    return this.#options.backends.vms.keepDisk(id, handle, into);
  }

  /**
   * A machine that reads a kept disk, and ends with the daemon. Throws FAILED_PRECONDITION when the disk cannot be read, and HOST_NOT_ABLE
   * when this host gives less isolation than its task requires.
   */
  async openDisk(
    kept: Omit<KeptDisk, "environment">,
    { environmentDigest, requireIsolation }: DiskOwner,
    signal: AbortSignal,
  ): Promise<Machine> {
    const { backends, environments } = this.#options;
    await this.assertIsolation(requireIsolation);
    const release = environments.hold(environmentDigest);
    try {
      const disk = { ...kept, environment: environments.filesOf(environmentDigest) };
      const id = newMachineId();
      const machine = await openDiskMachine(id, backends.vms, disk, signal, this.#new.room);
      this.#used.set(id, { machine, release });
      return machine;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Registers an unused machine, which `end` ends when another one needs its room; returns a function that withdraws it. */
  offer(end: () => Promise<void>): () => void {
    this.#offered.add(end);
    return () => void this.#offered.delete(end);
  }

  /** Works with an agent that reads the disk of a snapshot, whose VM had written its files to it. */
  readSnapshot<T>(snapshot: Snapshot, signal: AbortSignal, work: (channel: Channel) => Promise<T>): Promise<T> {
    return this.#disks.read(snapshot, signal, work);
  }

  /** Ends a machine and removes every file of it; its disk is moved into a directory that is given. */
  async destroy(machine: Presence, keepDiskIn?: string): Promise<void> {
    const used = this.#used.get(machine.id);
    try {
      await machine.destroy(keepDiskIn);
    } finally {
      this.#used.delete(machine.id);
      used?.release();
    }
  }

  /** Removes the machines that are kept ready, and with them their holds on environments. */
  dropSpares(): Promise<void> {
    return this.#new.dropSpares();
  }

  /** Ends every machine that does not outlive the daemon, and removes its files. */
  async closeAll(): Promise<void> {
    const ephemeral = [...this.#used.values()].filter(({ machine }) => machine.handle === null);
    const backends = this.#options.backends.all.map((backend) => backend.close());
    await Promise.all([this.#new.close(), ...backends, ...ephemeral.map(({ machine }) => this.destroy(machine))]);
  }

  async #sweep(isStray: (id: string) => boolean): Promise<void> {
    await Promise.all(this.#options.backends.all.map((backend) => backend.sweep(isStray)));
  }
}
