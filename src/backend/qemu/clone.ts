import { join } from "node:path";

import type { ControlGroups } from "../../host/control-groups.js";
import { chmod, copyShared, link, mkdir, open, rm } from "../../host/files.js";
import { assertFreeSpace } from "../../host/disk.js";
import type { Machine, MachineHandle, NetworkRequest, Presence, SavedMachine, VmShape } from "../backend.js";
import { buildQemuArgs, inJail, STATE_FD } from "./argv.js";
import { checkpointFiles, type Checkpoint } from "./checkpoint.js";
import { buildGateCommand, buildMachineNetwork, type GateProgram } from "./gate.js";
import { buildGroupLimits, countMemoryMib } from "./memory.js";
import type { NetworkPlan } from "./network.js";
import { mailboxPath, makeMailbox } from "./mailbox.js";
import { describeOrigin } from "./origin.js";
import { scratchPathOf } from "./kept-disk.js";
import { buildPresence, gateSocketsOf, withChannel } from "./presence.js";
import type { Qmp } from "./qmp.js";
import { DISK_RESERVE_MIB } from "./free-space.js";
import { snapshotFiles, type SnapshotPlace } from "./snapshot.js";
import { templateFiles, type Template } from "./template.js";
import type { Toolchain } from "./toolchain.js";
import { VmProcess } from "./vm-process.js";
import { findVmUser, giveToUser, type VmUser } from "./vm-user.js";
import { type CloneOptions, wakeClone, type Whole } from "./wake-clone.js";

/** Where clones live. */
export interface ClonePlace {
  readonly vmsPath: string;
  readonly runtimePath: string;
  readonly keeperPath: string;
  /** The library that maps the memory of snapshots, and keeps that of a template read-only for a QEMU without an option for that. */
  readonly preloadPath: string;
  /** pyro-restore, which continues a checkpoint. */
  readonly restorePath: string;
  readonly groups: ControlGroups;
  readonly snapshots: SnapshotPlace;
}

/** A network for a clone: its plan, and the programs that set it up. */
export interface CloneNetwork {
  readonly program: GateProgram;
  readonly plan: NetworkPlan;
  readonly request: NetworkRequest;
}

/** The parts from which a clone is made. */
export interface CloneSource {
  readonly toolchain: Toolchain;
  readonly template: Template;
  /** False for a snapshot of an earlier version. */
  readonly sendsMail: boolean;
  /** The environment's root image. */
  readonly rootPath: string;
  readonly shape: VmShape;
  readonly network: CloneNetwork | null;
  /** The snapshot from which it continues; null for a clone in the template's own state. */
  readonly snapshot: Pick<SavedMachine, "directory" | "whole"> | null;
}

/** Where a clone's QEMU gets its files. */
interface Berth {
  /** Of its user, its sockets and its control group. */
  readonly name: string;
  /** Empty; the clone's files are made in it. */
  readonly directory: string;
  /** The checkpoint that it continues; null for a QEMU that begins. */
  readonly checkpoint: Checkpoint | null;
  /** Whether pyro-checkpoint is to write it. */
  readonly parks: boolean;
}

/**
 * Wakes a VM from a template: a new QEMU, or one that continues the template's checkpoint, with a private view of its memory and an overlay
 * over its disk.
 */
export async function cloneTemplate(
  place: ClonePlace,
  id: string,
  source: CloneSource,
  checkpoint: Checkpoint | null,
  options: CloneOptions,
): Promise<Machine> {
  await assertFreeSpace(place.vmsPath, DISK_RESERVE_MIB, "A VM");
  const directory = join(place.vmsPath, id);
  await mkdir(directory, { mode: 0o755 });
  let process: VmProcess | null = null;
  try {
    const started = await startClone(place, { name: id, directory, checkpoint, parks: false }, source, options);
    process = started;
    const how = { whole: source.snapshot?.whole ?? null, isContinued: checkpoint !== null };
    const met = await process.during(wakeClone(process, directory, how, options));
    return withChannel(presenceOf(place, id, process, source, met.qmp), met.channel, () => outlive(started, source));
  } catch (error) {
    await process?.kill();
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/** Lays out a clone's files and starts its QEMU. */
export async function startClone(
  place: ClonePlace,
  { name, directory, checkpoint, parks }: Berth,
  { toolchain, template, sendsMail, rootPath, shape, network, snapshot }: CloneSource,
  { onStage }: Pick<CloneOptions, "onStage">,
): Promise<VmProcess> {
  const { accelerator } = template;
  const runDirectory = join(place.runtimePath, name);
  const machine = { accelerator, shape, traits: toolchain.traits, sendsMail };
  const from = snapshot?.directory ?? checkpoint?.directory ?? template.directory;
  const user = findVmUser(toolchain.dropTo, name);
  await using state = await open(join(from, checkpoint ? checkpointFiles.process : templateFiles.state), "r");
  await using pages = snapshot === null ? null : await open(join(from, snapshotFiles.pages), "r");
  await Promise.all([layOutDisk(directory, from, snapshot?.whole ?? null, user), makeMailbox(directory, user)]);
  onStage?.("disk");
  // Awaited, since the files must be open until QEMU has them.
  return await VmProcess.start({
    toolchain,
    user,
    accelerator,
    ...(checkpoint === null
      ? { qemuArgs: buildQemuArgs(machine, snapshot === null ? "clone" : "resume") }
      : { program: inJail.restore, qemuArgs: [String(STATE_FD)] }),
    mounts: [
      [rootPath, inJail.root, false],
      [template.directory, inJail.template, false],
      [directory, inJail.vm, false],
      [scratchPathOf(directory), inJail.scratch, true],
      [mailboxPath(directory), inJail.mailbox, true],
      ...(checkpoint === null ? [] : [[place.restorePath, inJail.restore, false] as const]),
    ],
    runDirectory,
    gate:
      network &&
      buildGateCommand(network.program, toolchain.dropTo, {
        plan: network.plan,
        sockets: gateSocketsOf(runDirectory),
      }),
    maxFileMib: overlayMaxMib(shape.diskMib),
    memMib: shape.memMib,
    // A QEMU that continues has it in its memory.
    preload:
      pages === null && toolchain.traits.readOnlyMemory && !parks && checkpoint === null ? null : place.preloadPath,
    stateFd: state.fd,
    pagesFd: pages?.fd ?? null,
    group: {
      groups: place.groups,
      limits: await buildGroupLimits(shape, accelerator, directory),
    },
    keeper: place.keeperPath,
  });
}

/** Lets the VM outlive this daemon. Resolves with the record by which a later daemon finds it; null when it has not started. */
async function outlive(process: VmProcess, source: CloneSource): Promise<MachineHandle | null> {
  const { toolchain, template, sendsMail, shape, network } = source;
  const inside = await process.inside;
  if (inside === null) return null;
  await process.letOutlive();
  const { agent, qmp } = process.sockets;
  return {
    ...{ pid: inside.pid, start_ticks: inside.startTicks, accelerator: template.accelerator },
    sockets: { agent: agent.identity, qmp: qmp.identity },
    reserved_mib: countMemoryMib(shape.memMib, template.accelerator),
    reserved_disk_mib: shape.diskMib,
    ...{ network: network?.plan ?? null, network_request: network?.request ?? null },
    origin: describeOrigin(template, toolchain, shape, sendsMail),
  };
}

function presenceOf(
  { runtimePath, vmsPath, snapshots }: ClonePlace,
  id: string,
  process: VmProcess,
  { toolchain, template, sendsMail, shape, network }: CloneSource,
  qmp: Qmp,
): Presence {
  const { accelerator } = template;
  return buildPresence({
    ...{ id, process, accelerator, handle: null, snapshots },
    directory: join(vmsPath, id),
    reservedMib: countMemoryMib(shape.memMib, accelerator),
    reservedDiskMib: shape.diskMib,
    qmp: Promise.resolve(qmp),
    network: network && buildMachineNetwork(network.plan, network.request, gateSocketsOf(join(runtimePath, id))),
    origin: describeOrigin(template, toolchain, shape, sendsMail),
  });
}

/** A full overlay: the disk's clusters of 64 KiB, and less than a thousandth of it for the tables that map them. */
function overlayMaxMib(diskMib: number): number {
  return diskMib + Math.ceil(diskMib / 1000) + 16;
}

/** A snapshot that is being made is for this VM alone, which takes the file. QEMU reads it again when it has loaded the device state. */
async function layOutDisk(directory: string, from: string, whole: Whole, user: VmUser): Promise<void> {
  const scratch = scratchPathOf(directory);
  const place = whole === null ? copyShared : link;
  await place(join(from, templateFiles.overlay), scratch);
  await chmod(scratch, 0o600);
  await giveToUser(user, scratch);
}
