import {
  type Backend,
  DISK_READER_MEMORY_MIB,
  type KeptDisk,
  type Machine,
  type SavedMachine,
  type StartOptions,
  type VmShape,
} from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { InstalledEnvironment } from "../../environments/cache.js";
import { runBriefly } from "../../guest/run-for-exit.js";
import { trustCertificates } from "../../guest/trust.js";
import { wake } from "../../guest/wake.js";
import { readAvailableMemoryMib } from "../../host/platform.js";
import type { Budget } from "./budget.js";

/** The parts from which a new machine is made. */
export interface MachinePlan {
  readonly backend: Backend;
  readonly environment: InstalledEnvironment;
  readonly shape: VmShape;
}

/** The limits that admission checks, and the work that frees memory. */
export interface Room {
  readonly budget: Budget;
  /** Ends the unused machines, and makes no others until the work has ended. */
  readonly freeMemory: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Memory that stays with the host even if a VM takes all of its own. */
const MEMORY_RESERVE_MIB = 256;

/**
 * Starts a machine, woken and ready for a command. Calls `freeMemory` when the limits or the host's memory have no room for it. Throws
 * RESOURCE_EXHAUSTED when that does not help.
 */
export async function startMachine(
  id: string,
  { backend, environment, shape }: MachinePlan,
  options: StartOptions,
  room: Room,
): Promise<Machine> {
  return admit(backend, shape, room, async () =>
    wakeMachine(id, await backend.start(id, environment, shape, options), options),
  );
}

/** Like startMachine, but the machine continues where a snapshot was made. */
export async function resumeMachine(
  id: string,
  backend: Backend,
  saved: SavedMachine,
  options: StartOptions,
  room: Room,
): Promise<Machine> {
  return admit(backend, saved.shape, room, async () =>
    wakeMachine(id, await backend.resume(id, saved, options), options),
  );
}

/** Like startMachine, but the machine reads a kept disk. The names in its files stay those of the task. */
export async function openDiskMachine(
  id: string,
  backend: Backend,
  disk: KeptDisk,
  signal: AbortSignal,
  room: Room,
): Promise<Machine> {
  const shape = { vcpuCount: 1, memMib: DISK_READER_MEMORY_MIB, diskMib: 0, network: false };
  return admit(backend, shape, room, async () =>
    wakeMachine(null, await backend.openDisk(id, disk, signal), { signal }),
  );
}

/** The machine, which outlives the daemon from now on, if its backend can do that. */
export async function letOutlive(machine: Machine): Promise<Machine> {
  return { ...machine, handle: await machine.outlive() };
}

/** Starts a machine that the limits and the host's memory allow. It counts against the limits until it is destroyed. */
async function admit(
  backend: Backend,
  shape: VmShape,
  { budget, freeMemory }: Room,
  start: () => Promise<Machine>,
): Promise<Machine> {
  const neededMib = await backend.countMemoryMib(shape);
  const share = { memoryMib: neededMib, diskMib: shape.diskMib };
  const release = await budget.take(share).catch(() => freeMemory(() => budget.take(share)));
  try {
    if (!hasMemory(neededMib)) await freeMemory(async () => {});
    assertMemory(shape.memMib, neededMib);
    return releasing(await start(), release);
  } catch (error) {
    release();
    throw error;
  }
}

function releasing(machine: Machine, release: () => void): Machine {
  return { ...machine, destroy: (keepDiskIn) => machine.destroy(keepDiskIn).finally(release) };
}

async function wakeMachine(
  hostname: string | null,
  machine: Machine,
  options: Partial<Pick<StartOptions, "onStage" | "signal">>,
): Promise<Machine> {
  try {
    await wake(machine.channel, hostname, machine.network?.guest);
    options.onStage?.("wake");
    if (machine.network?.hostCa.length) await trustCertificates(machine.channel, machine.network.hostCa, options);
    if (machine.network?.aptSources) await writeAptSources(machine, machine.network.aptSources, options.signal);
    return machine;
  } catch (error) {
    await machine.destroy();
    throw error;
  }
}

/** Gives the guest's apt the host's mirror. A guest without a shell or apt is not changed. */
async function writeAptSources(machine: Machine, sources: string, signal?: AbortSignal): Promise<void> {
  const quoted = `'${sources.replaceAll("'", `'\\''`)}'`;
  const command = `[ ! -d /etc/apt ] || printf '%s\\n' ${quoted} >/etc/apt/sources.list`;
  await runBriefly(machine.channel, command, { ...(signal && { signal }) });
}

/**
 * How many more VMs of a shape the limits and the host's memory allow, and what each may take, in MiB. Calls `freeMemory` when there is
 * room for fewer than are wanted.
 */
export async function countRoom(
  backend: Pick<Backend, "countMemoryMib">,
  { shape, wanted }: { readonly shape: VmShape; readonly wanted: number },
  { budget, freeMemory }: Room,
): Promise<{ room: number; neededMib: number }> {
  const neededMib = await backend.countMemoryMib(shape);
  const share = { memoryMib: neededMib, diskMib: shape.diskMib };
  const count = async () => Math.min(await budget.countRoom(share), countFitting(neededMib));
  const room = await count();
  return { room: room < wanted ? await freeMemory(count) : room, neededMib };
}

/** How many VMs of this size fit into the host's memory. */
function countFitting(neededMib: number): number {
  return Math.max(0, Math.floor((readAvailableMemoryMib() - MEMORY_RESERVE_MIB) / neededMib));
}

function hasMemory(neededMib: number): boolean {
  return readAvailableMemoryMib() >= neededMib + MEMORY_RESERVE_MIB;
}

/** A VM takes memory as it uses it; one that the host could not hold even alone is refused before it starts. */
function assertMemory(memMib: number, neededMib: number): void {
  if (hasMemory(neededMib)) return;
  const availableMib = readAvailableMemoryMib();
  throw new PyroError(
    "RESOURCE_EXHAUSTED",
    `A VM of ${memMib} MiB may take ${neededMib} MiB; the host has ${availableMib} MiB available, and ${MEMORY_RESERVE_MIB} MiB of them stay reserved.`,
    {
      hint: "Ask for less with --mem-mib, or delete tasks.",
      details: { mem_mib: memMib, needed_mib: neededMib, available_mib: availableMib },
    },
  );
}
