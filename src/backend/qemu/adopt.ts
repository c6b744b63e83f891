import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { Channel } from "../../guest/channel.js";
import { readdir, rm } from "../../host/files.js";
import { listCommandLines, readProcessIdentity, sendSignal, waitUntilGone } from "../../host/process.js";
import { assertSocketFile, connectSocketFileWhenReady } from "../../host/socket-file.js";
import type { FoundMachine, MachineHandle } from "../backend.js";
import type { ClonePlace } from "./start-clone.js";
import { buildMachineNetwork } from "./gate.js";
import { mailboxPath } from "./mailbox.js";
import { buildPresence, gateSocketsOf, handleSchema, withChannel } from "./presence.js";
import { Qmp } from "./qmp.js";
import { VmProcess } from "./vm-process.js";

const SWEEP_DEADLINE_MS = 5_000;

/**
 * Finds a clone that an earlier daemon started: its process is still the same one, and its agent is waited for as long as that lives.
 * Throws VM_START_FAILED when it can never be reached: its sockets are gone, or other files have their names.
 */
export async function adoptClone(place: ClonePlace, id: string, handle: MachineHandle): Promise<FoundMachine | null> {
  const parsed = handleSchema.safeParse(handle);
  if (!parsed.success) return null;
  const { pid, start_ticks, accelerator, network: plan, sockets, reserved_mib: reservedMib } = parsed.data;
  const { origin, network_request: request, reserved_disk_mib: reservedDiskMib } = parsed.data;
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
  // The handle of a VM that an earlier version has started has the plan alone.
  const planned = plan && { ...plan, hostEnv: {}, hostCaFiles: null };
  const network = plan && planned && buildMachineNetwork(plan, request ?? planned, gateSocketsOf(runDirectory));
  const directory = join(place.vmsPath, id);
  const parts = { id, directory, process, accelerator, handle, network, reservedMib, reservedDiskMib, qmp };
  const presence = buildPresence({ ...parts, origin, snapshots: place.snapshots });
  const met = connectSocketFileWhenReady(process.sockets.agent, Infinity, ended.signal).then((socket) =>
    Channel.open(socket, { deadlineMs: null, signal: ended.signal, mailboxPath: mailboxPath(directory) }),
  );
  met.catch(() => {});
  return {
    ...presence,
    ready: Promise.race([lost, met]).then((channel) => withChannel(presence, channel, async () => handle)),
  };
}

/**
 * Ends the clones of these ids, and removes their files. A daemon that died between starting a process and
 * recording it has left one that only its command line identifies.
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
