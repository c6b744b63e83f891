import { join } from "node:path";

import { mkdir, rm } from "../../host/files.js";
import { assertFreeSpace } from "../../host/disk.js";
import type { Machine, MachineHandle, Presence } from "../backend.js";
import type { Checkpoint } from "./checkpoint.js";
import { buildMachineNetwork } from "./gate.js";
import { countMemoryMib } from "./memory.js";
import { describeOrigin } from "./origin.js";
import { buildPresence, gateSocketsOf, withChannel } from "./presence.js";
import type { Qmp } from "./qmp.js";
import { DISK_RESERVE_MIB } from "./free-space.js";
import { type ClonePlace, type CloneSource, startClone } from "./start-clone.js";
import type { VmProcess } from "./vm-process.js";
import { type CloneOptions, wakeClone } from "./wake-clone.js";

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
