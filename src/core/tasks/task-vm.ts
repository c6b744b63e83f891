import type { FoundMachine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { Channel } from "../../guest/channel.js";
import type { Log } from "../../host/log.js";
import type { Journal } from "../../store/journal.js";
import { writeSnapshotFacts, type CarriedExec, type SnapshotFacts } from "../../store/snapshot-facts.js";
import { writeTaskRecord, type TaskRecord } from "../../store/task-record.js";
import { copyWorkspaceLists } from "../../store/workspace-lists.js";
import { assertAnswers, reach } from "../lifecycle/answering.js";
import { type Loss, MachineSession, releaseJobs } from "../lifecycle/session.js";
import type { LastingMachines } from "../machines/lasting.js";
import type { Snapshots } from "../snapshots/snapshots.js";
import { assertAllowed, moveTask, type TaskUse } from "./moves.js";
import type { Pushes } from "../workspace/pushes.js";
import { TaskDisk } from "./task-disk.js";
import { StoppedTime } from "./stopped-time.js";
import type { TaskExecs } from "../exec/task-execs.js";
import { Turns } from "../lifecycle/turns.js";

/** Snapshots as tasks use them. */
export type TaskSnapshots = Pick<
  Snapshots,
  "create" | "passing" | "get" | "list" | "delete" | "unreadable" | "listSetups" | "findSaved"
>;

export interface TaskVmParts {
  readonly directory: string;
  readonly record: TaskRecord;
  readonly journal: Journal;
  /** Null when it is gone. */
  readonly machine: FoundMachine | null;
  readonly machines: LastingMachines;
  readonly snapshots: TaskSnapshots;
  readonly log: Log;
}

/** The parts of a task that continue in its next VM. */
export interface TaskContent {
  readonly execs: TaskExecs;
  readonly pushes: Pushes;
  readonly services: { suspend(): void; resume(): void };
  /** Called when the VM was lost; its remains have been removed. */
  readonly onLost: (loss: Loss) => Promise<void>;
}

/** The calls of a snapshot to core while it is made. */
export interface SnapshotNotes {
  readonly onPaused: () => void;
  readonly fill: (directory: string) => Promise<void>;
}

/** The VMs of one task, one after the other; its record names the present one. */
export class TaskVm {
  readonly parts: TaskVmParts;
  readonly content: TaskContent;
  readonly #stopped: StoppedTime;
  /** The disk of a VM that died, until the task has another VM. */
  readonly disk: TaskDisk;
  /** One snapshot, fork, stop, start or reset at a time. */
  readonly changes = new Turns();
  #record: TaskRecord;
  /** One write of the record at a time. */
  readonly #writes = new Turns();
  /** The snapshot that a reset is about to name in the record. */
  #target: string | null = null;
  /** Null when the VM is gone. */
  #session: MachineSession | null;
  /** Settles when the VM can take commands again; null when it can. */
  #still: Promise<void> | null = null;
  /** Settles when the loss of a VM is recorded, and the task has another one if it can; null when no VM is being lost. */
  #losing: Promise<void> | null = null;
  /** Why the last automatic snapshot could not be made. */
  snapshotError: string | null = null;

  constructor(parts: TaskVmParts, content: TaskContent) {
    this.parts = parts;
    this.content = content;
    this.#record = parts.record;
    this.#stopped = new StoppedTime(parts.journal.entries);
    this.disk = new TaskDisk(parts);
    this.#session = parts.machine && this.#watch(parts.machine);
  }

  get record(): TaskRecord {
    return this.#record;
  }

  /** Null when the VM is gone, or is being ended. */
  get machine(): FoundMachine | null {
    return this.#session?.isOpen ? this.#session.machine : null;
  }

  /** Null until the agent has answered. */
  get channel(): Channel | null {
    return this.#session?.channel ?? null;
  }

  /** Why the VM does not answer at the moment; null when it does. */
  explainSilence(): string | null {
    return this.#session?.explainSilence() ?? null;
  }

  stoppedMs(since: string): number {
    return this.#stopped.since(since);
  }

  /** Settles when the VM is no longer paused for a snapshot, or being replaced; null when it is neither. */
  get still(): Promise<void> | null {
    return this.#still ?? this.#losing;
  }

  async lossRecorded(): Promise<void> {
    await this.#losing;
  }

  /** The VM. Throws FAILED_PRECONDITION when the state of the task does not allow the use. */
  assertPresent(use: TaskUse): FoundMachine {
    assertAllowed(this.#record, use);
    const machine = this.machine;
    if (machine) return machine;
    throw new PyroError("FAILED_PRECONDITION", `The VM of task ${this.#record.task_id} is ending.`);
  }

  /** Writes the changed record, and then the new state into the journal. */
  change(change: Partial<TaskRecord>): Promise<void> {
    return this.#writes.take(new AbortController().signal, async () => {
      const { directory, journal, log } = this.parts;
      const record = { ...this.#record, ...change };
      await writeTaskRecord(directory, record);
      this.#record = record;
      if (change.state === undefined) return;
      const { state, reason, incarnation } = record;
      const entry = { event: "task.state", state, reason, incarnation, at: new Date().toISOString() } as const;
      this.#stopped.note(entry);
      await journal.append(entry).catch((error: unknown) => log.error({ err: error }, "a state was not written"));
    });
  }

  /** True when the task starts from a snapshot, or is about to. */
  needs(snapshotId: string): boolean {
    return this.#record.resumes_from === snapshotId || this.#target === snapshotId;
  }

  /** Works while a snapshot counts as needed although no record names it yet. Call it only in a turn of `changes`. */
  async whileNeeded<T>(snapshotId: string, work: () => Promise<T>): Promise<T> {
    this.#target = snapshotId;
    try {
      return await work();
    } finally {
      this.#target = null;
    }
  }

  /** Makes the task continue in another VM, which its record names already. */
  async enter(machine: FoundMachine): Promise<void> {
    await this.disk.renew(this.#record.environment_digest);
    this.#session = this.#watch(machine);
    // From here on the session has the channel, which numbers new commands.
    await machine.ready;
    for (const exec of this.content.execs.running) exec.resume(machine);
    this.content.services.resume();
  }

  /** Ends the VM, if there is one. Commands that were not suspended end with it. */
  async leave(): Promise<void> {
    await this.#session?.end();
  }

  /** Detaches from the VM without ending it: the next daemon adopts it. */
  detach(): void {
    this.#session?.detach();
  }

  /** Works while no command starts and no push is half done; calls for either wait. */
  holdBack<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return this.content.pushes.inTurn(signal, async () => {
      let letGo = () => {};
      this.#still = new Promise((resolve) => (letGo = resolve));
      try {
        return await work();
      } finally {
        this.#still = null;
        letGo();
      }
    });
  }

  /** Like `holdBack`, when the guest has received every earlier command. Throws RESOURCE_EXHAUSTED when it does not answer. */
  async standStill<T>(use: TaskUse, signal: AbortSignal, work: (machine: FoundMachine) => Promise<T>): Promise<T> {
    await assertAnswers(this.assertPresent(use), signal);
    return this.holdBack(signal, async () => {
      const machine = this.assertPresent(use);
      await reach(Promise.all([machine.ready, this.content.execs.begun()]), signal);
      return work(machine);
    });
  }

  /** Collects core's side of a snapshot. */
  notes(purpose: SnapshotFacts["purpose"], synced = false): SnapshotNotes {
    let commands: CarriedExec[] = [];
    return {
      onPaused: () => void (commands = this.content.execs.carry()),
      fill: async (directory) => {
        await copyWorkspaceLists(this.parts.directory, directory);
        await writeSnapshotFacts(directory, { format: 1, purpose, synced, record: this.#record, commands });
      },
    };
  }

  /** The logs of a task outlive its VM. */
  #watch(machine: FoundMachine): MachineSession {
    const { machines, log } = this.parts;
    const { execs, pushes } = this.content;
    return new MachineSession({
      machine,
      machines,
      log,
      keepDiskIn: this.disk.path,
      onAnswer: (channel) => {
        channel.skipStreams(execs.lastJob);
        // Jobs whose end was recorded by a daemon that died before it released them.
        releaseJobs(
          channel,
          execs.running.map(({ started }) => started.job),
        );
        void pushes.takeOver(channel);
      },
      onLosing: (handled) => this.#awaitLoss(handled),
      onLost: (loss) => this.content.onLost(loss),
    });
  }

  #awaitLoss(handled: Promise<void>): void {
    this.#losing = handled;
    void handled.finally(() => {
      if (this.#losing === handled) this.#losing = null;
    });
  }

  /** Records that the VM was lost and is not replaced. */
  lose({ how, reason }: Loss): Promise<void> {
    return this.#writes.take(new AbortController().signal, async () => {
      const what = how === "died" ? "its VM ended" : "its VM was ended";
      this.#record = moveTask(this.#record, how, `${what}: ${reason}`);
      await writeTaskRecord(this.parts.directory, this.#record);
    });
  }
}
