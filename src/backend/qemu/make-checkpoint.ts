import { randomBytes } from "node:crypto";
import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { copyShared, mkdir, rm } from "../../host/files.js";
import { setLowPriority } from "../../host/priority.js";
import { newTemporaryName } from "../../host/temporary.js";
import { runTool } from "../../host/tool.js";
import { checkpointFiles, type CheckpointPrograms, installCheckpoint } from "./checkpoint.js";
import { type ClonePlace, type CloneSource, startClone } from "./start-clone.js";
import { whileRoom } from "./free-space.js";
import { scratchPathOf } from "./kept-disk.js";
import { findQemu } from "./snapshot.js";
import { templateFiles } from "./template.js";
import { warmUp } from "./warm-up.js";
import type { VmProcess } from "./vm-process.js";
import { makeReadOnly } from "./vm-user.js";
import { wakeClone } from "./wake-clone.js";

const DEADLINE_MS = 60_000;

/**
 * Makes the checkpoint of a template: a clone of it, at a low priority, that has run the commands of a template's warm-up and sleeps
 * again. `host` is a digest as `describeHost` makes it.
 */
export async function makeCheckpoint(
  place: ClonePlace,
  programs: CheckpointPrograms,
  source: CloneSource,
  host: string,
  signal: AbortSignal,
): Promise<void> {
  const temporary = join(source.template.directory, newTemporaryName());
  await mkdir(temporary, { mode: 0o755 });
  try {
    await whileRoom(place.snapshots.templatesPath, "A checkpoint", signal, (until) =>
      fill(temporary, place, programs, source, until),
    );
    await installCheckpoint(source.template, host, temporary);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Puts a checkpoint's files into a directory. */
async function fill(
  directory: string,
  place: ClonePlace,
  programs: CheckpointPrograms,
  source: CloneSource,
  signal: AbortSignal,
): Promise<void> {
  const { template, toolchain } = source;
  const vmDirectory = join(directory, "vm");
  await mkdir(vmDirectory, { mode: 0o755 });
  const name = `tp-${randomBytes(6).toString("hex")}`;
  const process = await startClone(place, { name, directory: vmDirectory, checkpoint: null, parks: true }, source, {});
  try {
    await process.during(pauseWarm(process, vmDirectory, signal));
    const ram = join(template.directory, templateFiles.ram);
    const file = join(directory, checkpointFiles.process);
    await writeProcess(programs.checkpointPath, await findQemu(process), ram, file, signal);
  } finally {
    await process.kill();
  }
  await copyShared(scratchPathOf(vmDirectory), join(directory, checkpointFiles.overlay));
  await rm(vmDirectory, { recursive: true });
  await makeReadOnly(toolchain.dropTo, ...Object.values(checkpointFiles).map((each) => join(directory, each)));
}

/** Runs the warm-up in the VM, so that QEMU translates what clones run first. Then pauses the VM and closes both connections to it. */
async function pauseWarm(process: VmProcess, directory: string, signal: AbortSignal): Promise<void> {
  const inside = await process.inside;
  if (inside) await setLowPriority(inside.pid, true);
  const { channel, qmp } = await wakeClone(process, directory, { whole: null, isContinued: false }, { signal });
  try {
    await warmUp(channel, signal);
    await qmp.execute("stop");
  } finally {
    channel.close();
    qmp.close();
  }
}

async function writeProcess(
  program: string,
  pid: number,
  ram: string,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const { exitCode, stderr } = await runTool(program, [String(pid), ram, file], {
    env: {},
    signal,
    timeoutMs: DEADLINE_MS,
  });
  if (exitCode !== 0) throw new PyroError("VM_START_FAILED", `QEMU could not be written: ${stderr.trim()}`);
}
