import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { FoundMachine, Machine, Presence } from "../../src/backend/backend.js";
import { PyroError } from "../../src/contract/errors.js";
import type { AcquiredMachine } from "../../src/core/machines/facts.js";
import type { LastingMachines } from "../../src/core/machines/lasting.js";
import type { MachineRequest } from "../../src/core/machines/request.js";
import { newMachineId } from "../../src/core/machines/machine-id.js";
import { SnapshotDisks } from "../../src/core/machines/snapshot-disks.js";
import { type NewSnapshot, type NewSnapshotOptions, type Snapshot } from "../../src/core/snapshots/snapshots.js";
import { endUses } from "../../src/core/snapshots/uses.js";
import type { TaskSnapshots } from "../../src/core/tasks/task-vm.js";
import type { Channel } from "../../src/guest/channel.js";
import { frameType } from "../../src/guest/messages.js";
import { AgentProcess } from "../guest/agent-process.js";

/** Machines that are the agent as a plain process: tasks without VMs. A snapshot holds its process, which one machine can continue. */
export class AgentMachines implements LastingMachines, AsyncDisposable {
  readonly #agents = new Set<AgentProcess>();
  readonly #byMachine = new Map<string, { readonly agent: AgentProcess; readonly channel: Channel }>();
  readonly #held = new Map<string, AgentProcess>();
  readonly #deaths = new Map<string, (reason: string) => void>();
  readonly snapshots = new AgentSnapshots((machine, snapshotId) => this.#setStill(machine, snapshotId));
  readonly #disks = new SnapshotDisks({
    open: (snapshot) => this.#meet("reader", this.#standIn(), diskOf(snapshot)),
    close: (machine) => this.destroy(machine),
    offer: () => this.offer(),
  });
  /** A new machine waits for this. */
  before: () => Promise<void> = async () => {};
  /** Resolves when the process of a machine answers. */
  answers: () => Promise<void> = async () => {};
  /** The digest of new machines' environment. */
  environmentDigest = "d1";
  /** How many more machines fit. */
  room = Infinity;

  /** The workspaces of the machines, the newest last. */
  get workspaces(): string[] {
    return Array.from(this.#agents, ({ workspace }) => workspace);
  }

  async acquire(request?: Partial<MachineRequest>): Promise<AcquiredMachine> {
    await this.before();
    const agent = this.#standIn();
    const { snapshot = null } = request ?? {};
    if (snapshot) cpSync(diskOf(snapshot), agent.workspace, COPYING);
    const machine = await this.#meet(request?.id ?? newMachineId(), agent);
    const { vcpuCount = 1, memMib = 1024, diskMib = 10_240, network = null } = request ?? {};
    const shape = { vcpuCount, memMib, diskMib, network: network !== null };
    return { machine, environmentDigest: this.environmentDigest, image: undefined, shape, snapshot };
  }

  async assertIsolation(): Promise<void> {}

  async acquireFrom(
    { record: { snapshot_id: snapshotId } }: Snapshot,
    { id }: Parameters<LastingMachines["acquireFrom"]>[1],
  ): Promise<Machine> {
    await this.before();
    const agent = this.#held.get(snapshotId) ?? this.#standIn();
    this.#held.delete(snapshotId);
    agent.setStill(false);
    return this.#meet(id, agent);
  }

  /** Ends a machine as the end of a VM's process does. */
  die(id: string): void {
    this.break(id, new PyroError("VM_DIED", "The VM ended."));
    this.#deaths.get(id)!("killed by a test");
  }

  /** Closes a machine's channel. */
  break(id: string, why: PyroError): void {
    this.#byMachine.get(id)!.channel.close(why);
  }

  /** A new agent, without the snapshot's commands: for a second machine of a snapshot, whose one process is in use already. */
  #standIn(): AgentProcess {
    const agent = new AgentProcess();
    this.#agents.add(agent);
    return agent;
  }

  async identify(): Promise<string> {
    return this.environmentDigest;
  }

  async checkSnapshot(_snapshot: Snapshot): Promise<null> {
    return null;
  }

  async countRoom(): Promise<{ room: number; neededMib: number }> {
    return { room: this.room, neededMib: 256 };
  }

  async #meet(id: string, agent: AgentProcess, workspace = agent.workspace): Promise<Machine> {
    const channel = await agent.connect();
    showWorkspace(channel, workspace);
    this.#byMachine.set(id, { agent, channel });
    const send = channel.send.bind(channel);
    return {
      id,
      backend: "agent",
      executionMode: "host_compat",
      accelerator: null,
      network: null,
      handle: null,
      outlive: async () => null,
      died: new Promise<string>((resolve) => this.#deaths.set(id, resolve)),
      stall: () => null,
      answers: () => this.answers(),
      reservedMib: null,
      reservedDiskMib: null,
      // Never answers, like a QEMU that the host has stopped.
      proceed: () => {
        channel.send = send;
        agent.setStill(false);
        return new Promise(() => {});
      },
      usage: async () => ({ memoryBytes: 0, diskBytes: 0 }),
      snapshot: async () => Promise.reject(new Error("a plain process cannot become a snapshot")),
      destroy: async () => {
        channel.close();
        this.#byMachine.delete(id);
        const isMoved = [...this.#byMachine.values()].some((other) => other.agent === agent);
        if (isMoved || [...this.#held.values()].includes(agent) || !this.#agents.delete(agent)) return;
        await agent[Symbol.asyncDispose]();
      },
      channel,
    };
  }

  /** Requests to a paused machine are lost with it. */
  #setStill({ id }: Presence, snapshotId: string): string {
    const { agent, channel } = this.#byMachine.get(id)!;
    agent.setStill(true);
    this.#held.set(snapshotId, agent);
    channel.send = () => true;
    return agent.workspace;
  }

  async destroy(machine: Presence): Promise<void> {
    await machine.destroy();
  }

  async adopt(): Promise<FoundMachine | null> {
    return null;
  }

  async sweep(): Promise<void> {}
  async endLost(): Promise<void> {}
  async keepDisk(): Promise<void> {}
  offer(): () => void {
    return () => {};
  }
  async openDisk(): Promise<never> {
    throw new Error("a task without a VM has no disk");
  }
  readSnapshot<T>(snapshot: Snapshot, signal: AbortSignal, work: (channel: Channel) => Promise<T>): Promise<T> {
    return this.#disks.read(snapshot, signal, work);
  }
  hold(): () => void {
    return () => {};
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.snapshots.close();
    await Promise.all([...this.#agents].map((agent) => agent[Symbol.asyncDispose]()));
  }
}

/** Snapshots of a task's facts. Only a snapshot that ends its machine keeps the machine too. */
class AgentSnapshots implements TaskSnapshots {
  readonly unreadable = new Map<string, string>();
  readonly #directory = mkdtempSync(join(tmpdir(), "ps-"));
  readonly #all = new Map<string, Snapshot>();
  /** Returns the workspace. */
  readonly #hold: (machine: Presence, snapshotId: string) => string;
  #made = 0;

  constructor(hold: (machine: Presence, snapshotId: string) => string) {
    this.#hold = hold;
  }

  async create(machine: Presence, about: NewSnapshot, options: NewSnapshotOptions): Promise<Snapshot> {
    const snapshot = await this.#make(machine, about, options);
    if (options.resumes !== false) void machine.proceed();
    return snapshot;
  }

  async #make(machine: Presence, about: NewSnapshot, options: NewSnapshotOptions): Promise<Snapshot> {
    const snapshotId = `snap-${String(++this.#made).padStart(12, "0")}`;
    const workspace = this.#hold(machine, snapshotId);
    await options.onPaused?.();
    const directory = join(this.#directory, snapshotId);
    mkdirSync(join(directory, "task"), { recursive: true });
    const record = {
      ...{
        format: 1 as const,
        snapshot_id: snapshotId,
        saved_as: null,
        setup_key: null,
        ...about,
        created_at: new Date().toISOString(),
        network: null,
      },
      ...{
        execution_mode: "guest" as const,
        accelerator: null,
        memory_bytes: 1,
        disk_bytes: 1,
        pause_ms: 1,
        machine: {},
      },
    };
    const lifetime = { whole: null, uses: new Set<Promise<unknown>>(), onDelete: [] };
    const snapshot = { record, directory, taskPath: join(directory, "task"), ...lifetime };
    cpSync(workspace, diskOf(snapshot), COPYING);
    await options.fill?.(snapshot.taskPath);
    this.#all.set(snapshotId, snapshot);
    return snapshot;
  }

  async passing<T>(
    machine: Presence,
    about: NewSnapshot,
    options: NewSnapshotOptions,
    use: (snapshot: Snapshot) => Promise<T>,
  ): Promise<T> {
    const snapshot = await this.#make(machine, about, options);
    this.#all.delete(snapshot.record.snapshot_id);
    return use(snapshot).finally(() => rmSync(snapshot.directory, { recursive: true }));
  }

  get(reference: string): Snapshot {
    const found = this.list().find(({ record }) => record.snapshot_id === reference || record.name === reference);
    if (found) return found;
    throw new PyroError("NOT_FOUND", `There is no snapshot ${reference}.`);
  }

  list(): readonly Snapshot[] {
    return [...this.#all.values()].filter(({ record }) => record.setup_key === null);
  }

  listSetups(): readonly Snapshot[] {
    return [...this.#all.values()].filter(({ record }) => record.setup_key !== null);
  }

  findSaved(environment: string): Snapshot | null {
    return [...this.#all.values()].find(({ record }) => record.saved_as === environment) ?? null;
  }

  async delete(snapshotId: string): Promise<void> {
    const snapshot = this.#all.get(snapshotId) ?? this.get(snapshotId);
    this.#all.delete(snapshotId);
    await endUses(snapshot);
    await Promise.all(snapshot.onDelete.map((act) => act()));
    rmSync(snapshot.directory, { recursive: true });
  }

  close(): void {
    rmSync(this.#directory, { recursive: true });
  }
}

const COPYING = { recursive: true, preserveTimestamps: true, verbatimSymlinks: true };

/** Of the disk of a snapshot, only the workspace. */
function diskOf({ directory }: Pick<Snapshot, "directory">): string {
  return join(directory, "workspace");
}

/** Requests for /workspace reach the agent's own directory: a plain process sees the host's root. */
function showWorkspace(channel: Channel, workspace: string): void {
  const send = channel.send.bind(channel);
  channel.send = (type, stream, payload) => {
    const shown = type === frameType.request ? Buffer.from(relocate(payload.toString(), workspace)) : payload;
    return send(type, stream, shown);
  };
}

function relocate(request: string, workspace: string): string {
  const fields = JSON.parse(request) as Record<string, unknown>;
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value !== "string" || (value !== "/workspace" && !value.startsWith("/workspace/"))) continue;
    fields[name] = `${workspace}${value.slice("/workspace".length)}`;
  }
  return JSON.stringify(fields);
}
