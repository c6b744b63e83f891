import { join } from "node:path";

import type { ControlGroups } from "../../host/control-groups.js";
import { chmod, copyShared, link, open } from "../../host/files.js";
import type { NetworkRequest, SavedMachine, VmShape } from "../backend.js";
import { buildQemuArgs, inJail, STATE_FD } from "./argv.js";
import { type Checkpoint, checkpointFiles } from "./checkpoint.js";
import { buildGateCommand, type GateProgram } from "./gate.js";
import { scratchPathOf } from "./kept-disk.js";
import { mailboxPath, makeMailbox } from "./mailbox.js";
import { buildGroupLimits } from "./memory.js";
import type { NetworkPlan } from "./network.js";
import { gateSocketsOf } from "./presence.js";
import { snapshotFiles, type SnapshotPlace } from "./snapshot.js";
import { type Template, templateFiles } from "./template.js";
import type { Toolchain } from "./toolchain.js";
import { VmProcess, type VmProcessSpec } from "./vm-process.js";
import { findVmUser, giveToUser, type VmUser } from "./vm-user.js";
import type { CloneOptions, Whole } from "./wake-clone.js";

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

/** How a clone's QEMU comes to its state. */
interface Beginning {
  /** What runs in the jail. */
  readonly program: Pick<VmProcessSpec, "program" | "qemuArgs">;
  /** The directory of its disk. */
  readonly from: string;
  readonly statePath: string;
  /** Null for a clone that has the template's memory. */
  readonly pagesPath: string | null;
  /** Mounts besides those of every clone. */
  readonly mounts: VmProcessSpec["mounts"];
  /** Whether it needs `preload/`. */
  readonly isHelped: boolean;
}

function planBeginning(
  { restorePath }: ClonePlace,
  { toolchain, template, sendsMail, shape, snapshot }: CloneSource,
  { checkpoint, parks }: Berth,
): Beginning {
  if (checkpoint !== null) {
    return {
      program: { program: inJail.restore, qemuArgs: [String(STATE_FD)] },
      from: checkpoint.directory,
      statePath: join(checkpoint.directory, checkpointFiles.process),
      pagesPath: null,
      mounts: [[restorePath, inJail.restore, false]],
      // QEMU has it in its memory already.
      isHelped: true,
    };
  }
  const machine = { accelerator: template.accelerator, shape, traits: toolchain.traits, sendsMail };
  const from = snapshot?.directory ?? template.directory;
  return {
    program: { qemuArgs: buildQemuArgs(machine, snapshot === null ? "clone" : "resume") },
    from,
    statePath: join(from, templateFiles.state),
    pagesPath: snapshot === null ? null : join(from, snapshotFiles.pages),
    mounts: [],
    isHelped: snapshot !== null || parks || !toolchain.traits.readOnlyMemory,
  };
}

/** Lays out a clone's files and starts its QEMU. */
export async function startClone(
  place: ClonePlace,
  berth: Berth,
  source: CloneSource,
  { onStage }: Pick<CloneOptions, "onStage">,
): Promise<VmProcess> {
  const { name, directory } = berth;
  const { toolchain, template, rootPath, shape, network, snapshot } = source;
  const { accelerator } = template;
  const { program, from, statePath, pagesPath, mounts, isHelped } = planBeginning(place, source, berth);
  const runDirectory = join(place.runtimePath, name);
  const user = findVmUser(toolchain.dropTo, name);
  await using state = await open(statePath, "r");
  await using pages = pagesPath === null ? null : await open(pagesPath, "r");
  await Promise.all([layOutDisk(directory, from, snapshot?.whole ?? null, user), makeMailbox(directory, user)]);
  onStage?.("disk");
  // One that is only written into a checkpoint has no way out.
  const way = network && !berth.parks ? { plan: network.plan, sockets: gateSocketsOf(runDirectory) } : null;
  // Awaited, since the files must be open until QEMU has them.
  return await VmProcess.start({
    toolchain,
    user,
    accelerator,
    ...program,
    mounts: [
      [rootPath, inJail.root, false],
      [template.directory, inJail.template, false],
      [directory, inJail.vm, false],
      [scratchPathOf(directory), inJail.scratch, true],
      [mailboxPath(directory), inJail.mailbox, true],
      ...mounts,
    ],
    runDirectory,
    gate: network && buildGateCommand(network.program, toolchain.dropTo, way),
    maxFileMib: overlayMaxMib(shape.diskMib),
    memMib: shape.memMib,
    preload: isHelped ? place.preloadPath : null,
    stateFd: state.fd,
    pagesFd: pages?.fd ?? null,
    group: { groups: place.groups, limits: await buildGroupLimits(shape, accelerator, directory) },
    keeper: place.keeperPath,
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
