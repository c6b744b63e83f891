import { join } from "node:path";

import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import type { InstalledEnvironment } from "../../environments/cache.js";
import { Channel } from "../../guest/channel.js";
import type { ControlGroups } from "../../host/control-groups.js";
import { assertRoom, chmod, chown, copyFile, diskUsageBytes, mkdir, open, readdir, rm } from "../../host/files.js";
import {
  listCommandLines,
  readMemoryBytes,
  readProcessIdentity,
  sendSignal,
  waitUntilGone,
} from "../../host/process.js";
import { setLowPriority } from "../../host/priority.js";
import { assertSocketFile, connectSocketFileWhenReady } from "../../host/socket-file.js";
import type {
  Accelerator,
  FoundMachine,
  Machine,
  MachineHandle,
  MachineNetwork,
  Presence,
  StartOptions,
  VmShape,
} from "../backend.js";
import { buildQemuArgs, inJail, STATE_FD } from "./argv.js";
import { buildGateCommand, buildMachineNetwork, type GateProgram } from "./gate.js";
import { buildGroupLimits, countMemoryMib } from "./memory.js";
import { networkPlan, type NetworkPlan } from "./network.js";
import { mailboxPath, makeMailbox } from "./mailbox.js";
import { resumeWhenRoom } from "./pause.js";
import { Qmp } from "./qmp.js";
import { DISK_RESERVE_MIB } from "./room.js";
import { templateFiles, type Template } from "./template.js";
import type { Toolchain } from "./toolchain.js";
import { VmProcess } from "./vm-process.js";

/** Where clones live. */
export interface ClonePlace {
  readonly vmsPath: string;
  readonly runtimePath: string;
  readonly keeperPath: string;
  /** The library that keeps a template's memory read-only for a QEMU without an option for that. */
  readonly preloadPath: string;
  readonly groups: ControlGroups;
}

/** A network for a clone: its plan, and the programs that set it up. */
export interface CloneNetwork {
  readonly program: GateProgram;
  readonly plan: NetworkPlan;
}

type CloneOptions = Pick<StartOptions, "signal" | "persistent" | "urgent" | "onStage">;

const CLONE_DEADLINE_MS = 20_000;
const SWEEP_DEADLINE_MS = 5_000;

const handleSchema = z.object({
  pid: z.int().min(2),
  start_ticks: z.number(),
  accelerator: z.enum(["kvm", "hvf", "tcg"]),
  network: networkPlan.nullable().default(null),
  /** VMs that an earlier version has started have none written down. */
  reserved_mib: z.int().nullable().default(null),
  /** Which files its sockets are. VMs that an earlier version has started have none written down. */
  sockets: z.object({ agent: z.string(), qmp: z.string() }).nullable().default(null),
});

/** Wakes a VM from a template: a new QEMU with a private view of its memory and an overlay over its disk. */
export async function cloneTemplate(
  place: ClonePlace,
  id: string,
  toolchain: Toolchain,
  template: Template,
  environment: InstalledEnvironment,
  shape: VmShape,
  network: CloneNetwork | null,
  options: CloneOptions,
): Promise<Machine> {
  const { persistent, onStage } = options;
  await assertRoom(place.vmsPath, DISK_RESERVE_MIB, "A VM");
  const directory = join(place.vmsPath, id);
  const runDirectory = join(place.runtimePath, id);
  const controlSocket = controlSocketOf(runDirectory);
  await mkdir(directory, { mode: 0o755 });
  const state = await open(join(template.directory, templateFiles.state), "r");
  let process: VmProcess | null = null;
  try {
    await Promise.all([layOutDisk(directory, template, toolchain), makeMailbox(directory, toolchain)]);
    onStage?.("disk");
    process = await VmProcess.start({
      toolchain,
      accelerator: template.accelerator,
      qemuArgs: buildQemuArgs({ accelerator: template.accelerator, shape, traits: toolchain.traits }, "clone"),
      mounts: [
        [environment.rootPath, inJail.root, false],
        [template.directory, inJail.template, false],
        [directory, inJail.vm, false],
        [join(directory, "scratch"), inJail.scratch, true],
      ],
      runDirectory,
      gate: network && buildGateCommand(network.program, toolchain.dropTo, { plan: network.plan, controlSocket }),
      maxFileMib: overlayMaxMib(shape.diskMib),
      preload: toolchain.traits.readOnlyMemory ? null : place.preloadPath,
      stateFd: state.fd,
      group: {
        groups: place.groups,
        limits: await buildGroupLimits(shape, template.accelerator, directory),
      },
      keeper: persistent ? null : place.keeperPath,
    });
    const { channel, qmp } = await process.during(wakeClone(process, directory, options));
    const inside = await process.inside;
    const { accelerator } = template;
    const reservedMib = countMemoryMib(shape.memMib, accelerator);
    const plan = network?.plan ?? null;
    const { agent, qmp: monitor } = process.sockets;
    const sockets = { agent: agent.identity, qmp: monitor.identity };
    const handle =
      persistent && inside
        ? {
            ...{ pid: inside.pid, start_ticks: inside.startTicks, accelerator },
            ...{ network: plan, sockets, reserved_mib: reservedMib },
          }
        : null;
    const parts = { id, directory, process, accelerator, handle, reservedMib, qmp: Promise.resolve(qmp) };
    return withChannel(buildPresence({ ...parts, network: plan && buildMachineNetwork(plan, controlSocket) }), channel);
  } catch (error) {
    await process?.kill();
    await rm(directory, { recursive: true, force: true });
    throw error;
  } finally {
    await state.close();
  }
}

/**
 * Finds a clone that an earlier daemon started: its process is still the same one, and its agent is waited for as long as that lives.
 * Throws VM_START_FAILED when it can never be reached: its sockets are gone, or other files have their names.
 */
export async function adoptClone(place: ClonePlace, id: string, handle: MachineHandle): Promise<FoundMachine | null> {
  const parsed = handleSchema.safeParse(handle);
  if (!parsed.success) return null;
  const { pid, start_ticks, accelerator, network: plan, sockets, reserved_mib: reservedMib } = parsed.data;
  const runDirectory = join(place.runtimePath, id);
  const process = VmProcess.adopt({ pid, startTicks: start_ticks }, runDirectory, sockets);
  if (process === null) return null;
  await Promise.all([assertSocketFile(process.sockets.agent), assertSocketFile(process.sockets.qmp)]);
  const ended = new AbortController();
  const lost = process.ended.then((reason): never => {
    throw new PyroError("VM_DIED", `The VM ended: ${reason}`);
  });
  lost.catch(() => ended.abort());
  const qmp = Qmp.open(process.sockets.qmp, Infinity, ended.signal);
  const network = plan && buildMachineNetwork(plan, controlSocketOf(runDirectory));
  const directory = join(place.vmsPath, id);
  const presence = buildPresence({ id, directory, process, accelerator, handle, network, reservedMib, qmp });
  const met = connectSocketFileWhenReady(process.sockets.agent, Infinity, ended.signal).then((socket) =>
    Channel.open(socket, { deadlineMs: null, signal: ended.signal, mailboxPath: mailboxPath(directory) }),
  );
  met.catch(() => {});
  return { ...presence, ready: Promise.race([lost, met]).then((channel) => withChannel(presence, channel)) };
}

/**
 * Ends the clones of these ids, and removes their files. A daemon that died between starting a process and
 * writing that down has left one that only its command line tells of.
 */
export async function sweepClones(
  { vmsPath, runtimePath, groups }: ClonePlace,
  isStray: (id: string) => boolean,
): Promise<void> {
  const idOf = (argument: string) => (argument.startsWith(`${vmsPath}/`) ? argument.slice(vmsPath.length + 1) : null);
  const strays = listCommandLines().filter(({ args }) => {
    const id = args.map(idOf).find((found) => found !== null);
    return id !== undefined && id !== null && isStray(id);
  });
  const processes = strays.flatMap(({ pid }) => readProcessIdentity(pid) ?? []);
  for (const stray of processes) sendSignal(stray, "SIGKILL");
  await waitUntilGone(processes, SWEEP_DEADLINE_MS);
  await groups.sweep(isStray);
  for (const [parent, isOurs] of [
    [vmsPath, () => true],
    [runtimePath, (name: string) => /^(vm|tp)-/.test(name)],
  ] as const) {
    for (const name of await readdir(parent)) {
      if (isOurs(name) && isStray(name)) await rm(join(parent, name), { recursive: true, force: true });
    }
  }
}

/** A full overlay: the disk's clusters of 64 KiB, and less than a thousandth of it for the tables that map them. */
function overlayMaxMib(diskMib: number): number {
  return diskMib + Math.ceil(diskMib / 1000) + 16;
}

async function layOutDisk(directory: string, template: Template, { dropTo }: Toolchain): Promise<void> {
  const scratch = join(directory, "scratch");
  await copyFile(join(template.directory, templateFiles.overlay), scratch);
  await chmod(scratch, 0o600);
  if (dropTo) await chown(scratch, dropTo.uid, dropTo.gid);
}

/** Loads the template's state and meets the agent, both at once: the agent's greeting waits in the socket until it runs. */
async function wakeClone(
  process: VmProcess,
  directory: string,
  { signal, urgent, onStage }: CloneOptions,
): Promise<{ channel: Channel; qmp: Qmp }> {
  const agent = connectSocketFileWhenReady(process.sockets.agent, CLONE_DEADLINE_MS, signal).then((socket) =>
    Channel.open(socket, { deadlineMs: CLONE_DEADLINE_MS, signal, mailboxPath: mailboxPath(directory) }),
  );
  agent.catch(() => {});
  const qmp = await Qmp.open(process.sockets.qmp, CLONE_DEADLINE_MS, signal);
  qmp.answers.then(
    () => onStage?.("qemu start"),
    () => {},
  );
  if (urgent) await yieldUntil(urgent, qmp, process);
  try {
    await Promise.all([
      qmp.execute("migrate-set-capabilities", { capabilities: [{ capability: "x-ignore-shared", state: true }] }),
      qmp.execute("migrate-incoming", { uri: `fd:${STATE_FD}` }),
    ]);
    onStage?.("restore");
    const channel = await agent;
    onStage?.("agent hello");
    return { channel, qmp };
  } catch (error) {
    qmp.close();
    throw error;
  }
}

/** Lets everything else on the host go first, until it becomes urgent. */
async function yieldUntil(urgent: AbortSignal, qmp: Qmp, process: VmProcess): Promise<void> {
  // Until QEMU runs, the session whose priority counts is not made.
  await qmp.answers;
  const inside = await process.inside;
  if (!inside || urgent.aborted) return;
  await setLowPriority(inside.pid, true);
  const hurry = () => void setLowPriority(inside.pid, false);
  if (urgent.aborted) hurry();
  else urgent.addEventListener("abort", hurry, { once: true });
}

/** Socket on which a VM's gate reports its counters. */
function controlSocketOf(runDirectory: string): string {
  return join(runDirectory, "net.sock");
}

interface PresenceParts {
  readonly id: string;
  readonly directory: string;
  readonly process: VmProcess;
  readonly accelerator: Accelerator;
  readonly handle: MachineHandle | null;
  readonly network: MachineNetwork | null;
  readonly reservedMib: number | null;
  readonly qmp: Promise<Qmp>;
}

function buildPresence(parts: PresenceParts): Presence {
  const { id, directory, process, accelerator, handle, network, reservedMib, qmp } = parts;
  const isPaused = resumeWhenRoom(qmp);
  let destroyed: Promise<void> | null = null;
  const remove = async () => {
    await process.kill();
    await rm(directory, { recursive: true, force: true });
  };
  return {
    id,
    executionMode: "guest",
    accelerator,
    network,
    handle,
    reservedMib,
    died: process.ended,
    stall: () => (isPaused() ? "the host's disk is full; the VM continues when there is space" : null),
    usage: async () => {
      const inside = await process.inside;
      return {
        memoryBytes: inside ? readMemoryBytes(inside.pid) : 0,
        diskBytes: await diskUsageBytes(directory),
      };
    },
    destroy: () => (destroyed ??= remove()),
  };
}

function withChannel(presence: Presence, channel: Channel): Machine {
  const destroy = () => {
    channel.close();
    return presence.destroy();
  };
  return { ...presence, channel, destroy };
}
