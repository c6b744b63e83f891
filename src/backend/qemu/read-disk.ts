import { basename, join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { Channel } from "../../guest/channel.js";
import { assertFreeSpace } from "../../host/disk.js";
import { chmod, chown, mkdir, rm, stat } from "../../host/files.js";
import { runTool } from "../../host/tool.js";
import { connectSocketFileWhenReady } from "../../host/socket-file.js";
import type { Accelerator } from "./accelerator.js";
import { DISK_READER_MEMORY_MIB, type KeptDisk, type Machine } from "../backend.js";
import { buildQemuArgs, inJail } from "./argv.js";
import { writeBootFiles } from "./boot-files.js";
import type { ClonePlace } from "./start-clone.js";
import { explainBoot } from "./console.js";
import { mailboxPath, makeMailbox } from "./mailbox.js";
import { buildGroupLimits, countMemoryMib } from "./memory.js";
import { makeMemoryFile } from "./memory-file.js";
import { overlayPathOf, readKeptOrigin, scratchPathOf } from "./kept-disk.js";
import { findTemplate } from "./origin.js";
import { buildPresence, withChannel } from "./presence.js";
import { Qmp } from "./qmp.js";
import { DISK_RESERVE_MIB } from "./free-space.js";
import { templateFiles, type Template } from "./template.js";
import type { Toolchain } from "./toolchain.js";
import { VmProcess } from "./vm-process.js";
import { findVmUser, giveToUser, type VmUser } from "./vm-user.js";

const MONITOR_DEADLINE_MS = 10_000;

/** The parts with which a helper is started. */
interface Helper {
  readonly toolchain: Toolchain;
  readonly accelerator: Accelerator;
  readonly bootDeadlineMs: number;
  readonly agentPath: string;
}

/**
 * Boots a VM on a throw-away overlay over a kept disk. Its kernel mounts what the guest wrote; the host's never does. Throws
 * FAILED_PRECONDITION when the disk or its template is gone.
 */
export async function openDisk(
  place: ClonePlace,
  id: string,
  disk: KeptDisk,
  helper: Helper,
  signal: AbortSignal,
): Promise<Machine> {
  const template = await templateOf(place, disk);
  await assertFreeSpace(place.vmsPath, DISK_RESERVE_MIB, "A VM that reads a disk");
  const directory = join(place.vmsPath, id);
  await mkdir(directory, { mode: 0o755 });
  const user = findVmUser(helper.toolchain.dropTo, id);
  let process: VmProcess | null = null;
  try {
    await layOut(directory, disk, template, user, helper, signal);
    process = await startHelper(place, directory, disk, template, user, helper);
    const { channel, qmp } = await process.during(meet(process, directory, helper.bootDeadlineMs, signal));
    const presence = buildPresence({
      ...{ id, directory, process, accelerator: helper.accelerator, handle: null, network: null },
      reservedMib: countMemoryMib(DISK_READER_MEMORY_MIB, helper.accelerator),
      reservedDiskMib: 0,
      qmp: Promise.resolve(qmp),
      ...{ origin: null, snapshots: place.snapshots },
    });
    return withChannel(presence, channel, async () => null);
  } catch (error) {
    await process?.kill();
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

async function templateOf({ snapshots }: ClonePlace, disk: KeptDisk): Promise<Template> {
  const origin = await readKeptOrigin(disk);
  if (origin === null) throw notKept();
  return findTemplate(snapshots.templatesPath, origin);
}

/** The error for a disk that can no longer be read. */
function notKept(): PyroError {
  return new PyroError("FAILED_PRECONDITION", "The disk of the task's VM was not kept.", {
    hint: "pyro keeps the disks of VMs that this version started. The logs of the task can still be read.",
    details: { reason: "no_disk" },
  });
}

async function layOut(
  directory: string,
  disk: KeptDisk,
  template: Template,
  user: VmUser,
  { toolchain, agentPath }: Helper,
  signal: AbortSignal,
): Promise<void> {
  const path = (name: string) => join(directory, name);
  await writeBootFiles({ ...disk.environment, agentPath }, { kernel: path("kernel"), initramfs: path("initramfs") });
  await makeMemoryFile(path("ram"), DISK_READER_MEMORY_MIB);
  await makeMailbox(directory, user);
  const { size } = await stat(join(template.directory, templateFiles.scratch));
  const made = await runTool(
    toolchain.qemuImg,
    [
      ...["create", "-q", "-f", "qcow2", "-u", "-F", "qcow2", "-b", inJail.kept],
      ...[scratchPathOf(directory), String(size)],
    ],
    { signal },
  );
  if (made.exitCode !== 0) throw new PyroError("VM_START_FAILED", `qemu-img failed: ${made.stderr.trim()}`);
  const own = [path("ram"), scratchPathOf(directory)];
  for (const file of own) await chmod(file, 0o600);
  await giveToUser(user, ...own);
  if (user !== null) await letGroupRead(overlayPathOf(disk), user.gid);
}

/** Several helpers may read one disk, each with a user of its own. */
async function letGroupRead(path: string, gid: number): Promise<void> {
  await chown(path, 0, gid);
  await chmod(path, 0o640);
}

async function startHelper(
  { runtimePath, keeperPath, groups }: ClonePlace,
  directory: string,
  disk: KeptDisk,
  template: Template,
  user: VmUser,
  { toolchain, accelerator }: Helper,
): Promise<VmProcess> {
  const diskMib = Math.ceil((await stat(join(template.directory, templateFiles.scratch))).size / 1_048_576);
  const shape = { vcpuCount: 1, memMib: DISK_READER_MEMORY_MIB, diskMib, network: false };
  return VmProcess.start({
    toolchain,
    user,
    accelerator,
    qemuArgs: buildQemuArgs({ accelerator, shape, traits: toolchain.traits }, "read"),
    mounts: [
      [disk.environment.rootPath, inJail.root, false],
      [template.directory, inJail.template, false],
      [overlayPathOf(disk), inJail.kept, false],
      [join(directory, "kernel"), `${inJail.template}/kernel`, false],
      [join(directory, "initramfs"), `${inJail.template}/initramfs`, false],
      [join(directory, "ram"), inJail.ram, true],
      [directory, inJail.vm, false],
      [scratchPathOf(directory), inJail.scratch, true],
      [mailboxPath(directory), inJail.mailbox, true],
    ],
    runDirectory: join(runtimePath, basename(directory)),
    gate: null,
    maxFileMib: Math.max(DISK_READER_MEMORY_MIB, diskMib),
    memMib: DISK_READER_MEMORY_MIB,
    preload: null,
    stateFd: null,
    group: { groups, limits: await buildGroupLimits(shape, accelerator, directory) },
    keeper: keeperPath,
  });
}

async function meet(process: VmProcess, directory: string, deadlineMs: number, signal: AbortSignal) {
  const qmp = await Qmp.open(process.sockets.qmp, MONITOR_DEADLINE_MS, signal);
  try {
    const socket = await connectSocketFileWhenReady(process.sockets.agent, MONITOR_DEADLINE_MS, signal);
    const channel = await Channel.open(socket, { deadlineMs, signal, mailboxPath: mailboxPath(directory) }).catch(
      async (error: unknown) => {
        throw await explainBoot(error, qmp);
      },
    );
    return { channel, qmp };
  } catch (error) {
    qmp.close();
    throw error;
  }
}
