import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import pino from "pino";

import type { Machine, NetworkRequest } from "../../src/backend/backend.js";
import type { Call } from "../../src/core/call.js";
import type { Core } from "../../src/core/core.js";
import type { MachineRequest } from "../../src/core/machines/request.js";
import { noCeilings } from "../../src/core/machines/budget.js";
import { openCore } from "../../src/core/open.js";
import type { NewSnapshot, NewSnapshotOptions, Snapshot } from "../../src/core/snapshots/snapshots.js";
import { Exec } from "../../src/guest/exec.js";
import { openHome } from "../../src/host/home.js";
import { endOf, pyroPath, until, type Ended } from "../client/scratch.js";
import { VmScratch, type VmScratchOptions } from "../vm/vm-scratch.js";

export interface Shape {
  readonly vcpuCount: number;
  readonly memMib: number;
}

const SMALL: Shape = { vcpuCount: 1, memMib: 256 };
const DISK_MIB = 1_024;

export function buildCall(signal: AbortSignal = new AbortController().signal): Call {
  return {
    signal,
    isCancelled: () => signal.aborted,
    ...{ stdin: null, upload: null, mark: () => {}, emit: async () => {}, onInterrupt: () => () => {} },
    onResize: () => () => {},
  };
}

/** A machine of little memory that outlives the daemon. */
export function smallRequest(id: string): MachineRequest {
  return {
    id,
    outlives: true,
    ...SMALL,
    environment: "debian:12",
    diskMib: DISK_MIB,
    allowHostCompat: false,
    network: null,
  };
}

/** Core's facts about a snapshot of such a machine. */
export function aboutSmall(environmentDigest: string): NewSnapshot {
  return {
    ...{ name: null, task_id: "task-000000000001", parent: null, environment: "debian:12" },
    environment_digest: environmentDigest,
    ...{ vcpu_count: SMALL.vcpuCount, mem_mib: SMALL.memMib, disk_mib: DISK_MIB },
  };
}

/** A command, and its output so far. */
export interface Spoken {
  readonly exec: Exec;
  text: string;
}

/** A home whose core runs in this process: machines and snapshots, without tasks. */
export class SnapshotScratch extends VmScratch {
  #core: Core | null = null;
  readonly #machines = new Set<Machine>();
  /** A daemon's listener keeps its process alive. */
  readonly #alive = setInterval(() => {}, 60_000);
  #last = 0;

  constructor(options: VmScratchOptions = {}) {
    super(options);
  }

  get core(): Core {
    assert.ok(this.#core, "the core is not open");
    return this.#core;
  }

  async open(): Promise<this> {
    const home = openHome({ ...process.env, ...this.env });
    this.#core = await openCore({ home, version: "test", log: pino({ level: "silent" }), ceilings: noCeilings });
    return this;
  }

  /** Runs the executable with a command prefix. */
  pyroBehind(prefix: readonly string[], args: readonly string[]): Promise<Ended> {
    const [program = "", ...words] = [...prefix, process.execPath, pyroPath, ...args];
    return endOf(spawn(program, words, { env: this.env, cwd: this.directory }));
  }

  /** A name for the next machine, which outlives the daemon. */
  newId(): string {
    this.#last += 1;
    return `vm-${this.#last.toString(16).padStart(12, "0")}`;
  }

  async startMachine(shape: Shape = SMALL, network: NetworkRequest | null = null): Promise<Machine> {
    const request = { ...smallRequest(this.newId()), ...shape, network };
    const { machine } = await this.core.machines.acquire(request, buildCall());
    this.#machines.add(machine);
    return machine;
  }

  snapshot(machine: Machine, options: Partial<NewSnapshotOptions> & { shape?: Shape; name?: string } = {}) {
    const { shape, name, ...rest } = options;
    const named = readFileSync(join(this.home, "environments", "names", "debian_12.json"), "utf8");
    const { digest } = JSON.parse(named) as { digest: string };
    const about = { ...aboutSmall(digest), ...(shape ? { vcpu_count: shape.vcpuCount, mem_mib: shape.memMib } : {}) };
    const { signal } = buildCall();
    return this.core.snapshots.create(machine, { ...about, name: name ?? null }, { signal, ...rest });
  }

  async from(snapshot: Snapshot, id = this.newId()): Promise<Machine> {
    const machine = await this.core.machines.acquireFrom(snapshot, { id, requireIsolation: null }, buildCall());
    this.#machines.add(machine);
    return machine;
  }

  async destroy(machine: Machine): Promise<void> {
    this.#machines.delete(machine);
    await this.core.machines.destroy(machine);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#machines].map((machine) => this.destroy(machine)));
    for (const { record } of this.#core?.snapshots.list() ?? []) await this.core.snapshots.delete(record.snapshot_id);
    await this.#core?.machines.closeAll();
    const left = this.#core ? readdirSync(join(this.home, "snapshots")) : [];
    clearInterval(this.#alive);
    await super[Symbol.asyncDispose]();
    assert.deepEqual(left, [], "snapshots have left something");
  }
}

/** Starts a command whose output grows in the result. */
export async function speak(machine: Machine, command: string): Promise<Spoken> {
  const spoken = { text: "" };
  const onOutput = async (_: string, bytes: Buffer) => void (spoken.text += bytes.toString());
  const request = { command, cwd: "/", env: {}, stdin: null, onOutput };
  return Object.assign(spoken, { exec: await Exec.start(machine.channel, request) });
}

/** Follows a command in a fork, after the output that the parent's host had. */
export async function follow(machine: Machine, job: number, stdout: number): Promise<Spoken> {
  const spoken = { text: "" };
  const onOutput = async (_: string, bytes: Buffer) => void (spoken.text += bytes.toString());
  return Object.assign(spoken, {
    exec: await Exec.resume(machine.channel, job, { stdout, stderr: 0 }, { onOutput }),
  });
}

/** The output of a command, which must succeed. */
export async function output(machine: Machine, command: string): Promise<string> {
  const spoken = await speak(machine, command);
  const exit = await spoken.exec.finished;
  await spoken.exec.release();
  assert.equal(exit.exit_code, 0, `${command}: ${JSON.stringify(exit)} ${spoken.text}`);
  return spoken.text.trim();
}

/** Waits until a machine's counter has moved on. */
export async function assertCounts(machine: Machine, file: string): Promise<void> {
  const first = Number(await output(machine, `cat ${file}`));
  await until("the counter moves on", async () => Number(await output(machine, `cat ${file}`)) > first);
}
