import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import { Channel } from "../../guest/channel.js";
import { mkdir, open, rm, stat, truncate, writeFile, writeFileAtomic } from "../../host/files.js";
import { runTool } from "../../host/tool.js";
import { connectSocketFileWhenReady } from "../../host/socket-file.js";
import { Reception } from "../../host/socket.js";
import type { PrepareOptions } from "../backend.js";
import { buildQemuArgs, inJail } from "./argv.js";
import { writeBootFiles } from "./boot-files.js";
import { explainBoot } from "./console.js";
import { buildGateCommand } from "./gate.js";
import { mailboxPath, makeMailbox } from "./mailbox.js";
import { buildGroupLimits } from "./memory.js";
import { makeMemoryFile } from "./memory-file.js";
import { Qmp } from "./qmp.js";
import { unpackDisk } from "./saved-disk.js";
import { buildRecord, describeFiles, templateFiles, type TemplateInputs } from "./template.js";
import { VmProcess } from "./vm-process.js";
import { findVmUser, giveToUser, makeReadOnly, type VmUser } from "./vm-user.js";
import { warmUp } from "./warm-up.js";

const MONITOR_DEADLINE_MS = 10_000;
const FREEZE_DEADLINE_MS = 60_000;

/** Below it the disk's journal is smaller too. */
const SMALL_DISK_MIB = 512;

/** After the boot a clone's kernel is in its memory; QEMU only reads the head of the file again. */
const KERNEL_STUB_BYTES = 65_536;

/** Boots an environment once and freezes it into an empty directory, which is a template when this returns. */
export async function freezeTemplate(
  inputs: TemplateInputs,
  directory: string,
  runDirectory: string,
  options: PrepareOptions,
): Promise<void> {
  const { environment, toolchain, accelerator, shape } = inputs;
  const user = findVmUser(toolchain.dropTo, basename(runDirectory));
  await layOut(inputs, directory, user, options);
  const vmDirectory = join(directory, "vm");
  const stateSocket = join(runDirectory, "state.sock");
  await mkdir(runDirectory, { recursive: true, mode: 0o700 });
  using reception = await Reception.listen(stateSocket);
  const process = await VmProcess.start({
    toolchain,
    user,
    accelerator,
    qemuArgs: buildQemuArgs({ accelerator, shape, traits: toolchain.traits }, "boot"),
    mounts: [
      [environment.rootPath, inJail.root, false],
      [directory, inJail.template, false],
      [join(directory, templateFiles.ram), inJail.ram, true],
      [vmDirectory, inJail.vm, false],
      [join(directory, templateFiles.scratch), inJail.scratch, true],
      [mailboxPath(vmDirectory), inJail.mailbox, true],
      [stateSocket, inJail.stateSocket, false],
    ],
    runDirectory,
    gate: inputs.gate && buildGateCommand(inputs.gate, toolchain.dropTo, null),
    maxFileMib: Math.max(shape.memMib, shape.diskMib),
    memMib: shape.memMib,
    preload: null,
    stateFd: null,
    group: { groups: inputs.groups, limits: await buildGroupLimits(shape, accelerator, directory) },
    keeper: inputs.keeperPath,
  });
  try {
    options.onProgress(`booting ${environment.recipe.name} with ${accelerator}`);
    await process.during(bootAndFreeze(process, inputs, directory, reception, options));
  } finally {
    await process.kill();
  }
  await finish(inputs, directory);
}

/** The files that the VM boots from: memory and scratch disk as sparse files, the kernel, and the agent in the initramfs. */
async function layOut(
  { environment, agentPath, shape, toolchain }: TemplateInputs,
  directory: string,
  user: VmUser,
  options: PrepareOptions,
) {
  const path = (name: keyof typeof templateFiles) => join(directory, templateFiles[name]);
  await mkdir(join(directory, "vm"));
  await writeFile(join(directory, "vm", "scratch"), "");
  await makeMailbox(join(directory, "vm"), user);
  // The kernel is cut short later.
  await writeBootFiles({ ...environment, agentPath }, { kernel: path("kernel"), initramfs: path("initramfs") });
  await makeMemoryFile(path("ram"), shape.memMib);
  await makeSparse(path("scratch"), shape.diskMib);
  if (environment.savedDisk) {
    await giveToUser(toolchain.dropTo, path("scratch"));
    await unpackDisk(toolchain, environment.savedDisk, path("scratch"), options.signal);
  } else await makeFileSystem(toolchain, path("scratch"), shape, options.signal);
  await giveToUser(user, path("ram"), path("scratch"));
}

async function makeFileSystem(
  { mke2fs }: TemplateInputs["toolchain"],
  path: string,
  shape: TemplateInputs["shape"],
  signal: AbortSignal,
): Promise<void> {
  // With a journal, although nothing reads it after a crash: ext4 without one checks each inode that was freed in the last minutes
  // before it makes a new one, so a guest that has removed 20,000 files would make the next ones ten times as slowly.
  const made = await runTool(
    mke2fs,
    [
      "-q",
      "-F",
      "-t",
      "ext4",
      "-m",
      "0",
      "-O",
      "^resize_inode,^metadata_csum,uninit_bg",
      "-J",
      `size=${shape.diskMib < SMALL_DISK_MIB ? 4 : 16}`,
      "-E",
      "lazy_itable_init=1,lazy_journal_init=1,nodiscard",
      path,
    ],
    { signal },
  );
  if (made.exitCode !== 0) throw new PyroError("VM_START_FAILED", `mke2fs failed: ${made.stderr.trim()}`);
}

async function makeSparse(path: string, sizeMib: number): Promise<void> {
  const file = await open(path, "wx", 0o600);
  await file.close();
  await truncate(path, sizeMib * 1_048_576);
}

async function bootAndFreeze(
  process: VmProcess,
  { bootDeadlineMs }: TemplateInputs,
  directory: string,
  reception: Reception,
  { signal, onProgress }: PrepareOptions,
): Promise<void> {
  const qmp = await Qmp.open(process.sockets.qmp, MONITOR_DEADLINE_MS, signal);
  const paused = untilPaused(qmp);
  try {
    const socket = await connectSocketFileWhenReady(process.sockets.agent, MONITOR_DEADLINE_MS, signal);
    const channel = await Promise.race([
      paused,
      Channel.open(socket, { deadlineMs: bootDeadlineMs, signal }).catch(async (error: unknown) => {
        throw await explainBoot(error, qmp);
      }),
    ]);
    try {
      await Promise.race([paused, warmUp(channel, signal)]);
      onProgress("freezing it");
      await saveState(qmp, reception, join(directory, templateFiles.state), signal);
    } finally {
      channel.close();
    }
  } finally {
    qmp.close();
  }
}

/** Rejects when QEMU pauses the VM by itself, as it does when a write finds the host's disk full. */
function untilPaused(qmp: Qmp): Promise<never> {
  const paused = new Promise<never>((_, reject) => {
    qmp.onEvent = (name) => {
      if (name === "STOP") reject(new PyroError("VM_START_FAILED", "QEMU paused the VM while it booted."));
    };
  });
  paused.catch(() => {});
  return paused;
}

/** Stops the VM and saves its device state; its memory is in the template's file already. */
async function saveState(qmp: Qmp, reception: Reception, statePath: string, signal: AbortSignal): Promise<void> {
  await qmp.execute("stop");
  await qmp.execute("migrate-set-capabilities", { capabilities: [{ capability: "x-ignore-shared", state: true }] });
  await Promise.all([
    reception.writeTo(statePath, { deadlineMs: FREEZE_DEADLINE_MS, signal }),
    qmp.execute("migrate", { uri: `unix:${inJail.stateSocket}` }),
  ]);
  await migrationEnd(qmp, signal);
  await qmp.execute("quit").catch(() => {});
}

const migrationStatus = z.looseObject({ status: z.string().optional() });

async function migrationEnd(qmp: Qmp, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { status } = migrationStatus.parse(await qmp.execute("query-migrate"));
    if (status === "completed") return;
    if (status === "failed" || status === "cancelled") {
      throw new PyroError("VM_START_FAILED", `QEMU could not save or load the device state: ${status}.`);
    }
    await sleep(5, undefined, { signal });
  }
}

/** Replaces files that only the boot needed, makes all files read-only, and writes the record that completes the template. */
async function finish({ toolchain, environment }: TemplateInputs, directory: string): Promise<void> {
  const path = (name: keyof typeof templateFiles) => join(directory, templateFiles[name]);
  await truncate(path("kernel"), KERNEL_STUB_BYTES);
  await writeFile(path("initramfs"), "none");
  const overlay = await runTool(toolchain.qemuImg, [
    ...["create", "-q", "-f", "qcow2", "-u", "-F", "raw", "-b", `${inJail.template}/${templateFiles.scratch}`],
    ...[path("overlay"), String((await stat(path("scratch"))).size)],
  ]);
  if (overlay.exitCode !== 0) throw new PyroError("VM_START_FAILED", `qemu-img failed: ${overlay.stderr.trim()}`);
  await rm(join(directory, "vm"), { recursive: true });
  await makeReadOnly(toolchain.dropTo, ...Object.values(templateFiles).map((name) => join(directory, name)));
  const record = buildRecord(environment, await describeFiles(directory));
  await writeFileAtomic(join(directory, "template.json"), JSON.stringify(record));
}
