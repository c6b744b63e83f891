import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { z } from "zod";

import type { Channel } from "../../guest/channel.js";
import { rm } from "../../host/files.js";
import { diskUsageBytes } from "../../host/disk.js";
import { readMemoryBytes } from "../../host/process.js";
import type { Machine, MachineHandle, MachineNetwork, Presence } from "../backend.js";
import { acceleratorSchema, type Accelerator } from "./accelerator.js";
import type { SnapshotOptions } from "../snapshot.js";
import type { GateSockets } from "./gate.js";
import { networkPlan } from "./network.js";
import { originSchema, type Origin } from "./origin.js";
import { resumeWhenRoom } from "./pause.js";
import type { Qmp } from "./qmp.js";
import { takeSnapshot, type SnapshotPlace } from "./snapshot.js";
import { keepDisk, scratchPathOf } from "./kept-disk.js";
import type { VmProcess } from "./vm-process.js";

/** The name of this backend. */
export const QEMU = "qemu";

/** The recorded facts of a VM, to find it again. */
export const handleSchema = z.object({
  pid: z.int().min(2),
  start_ticks: z.number(),
  accelerator: acceleratorSchema,
  network: networkPlan.nullable().default(null),
  /** Null for VMs that an earlier version has started. */
  reserved_mib: z.int().nullable().default(null),
  reserved_disk_mib: z.int().nullable().default(null),
  /** Identifies the files of its sockets. Null for VMs that an earlier version has started. */
  sockets: z.object({ agent: z.string(), qmp: z.string() }).nullable().default(null),
  /** Null for VMs that an earlier version has started. */
  origin: originSchema.nullable().default(null),
  network_request: z
    .object({
      allow: z.array(z.string()),
      deny: z.array(z.string()).default([]),
      allowHosts: z.array(z.string()),
      hostEnv: z.record(z.string(), z.string()),
      hostCaFiles: z.array(z.string()).nullable(),
    })
    .nullable()
    .default(null),
});

/** How long a QEMU whose disk is kept may take to write it. */
const QUIT_MS = 2_000;

export interface PresenceParts {
  readonly id: string;
  readonly directory: string;
  readonly process: VmProcess;
  readonly accelerator: Accelerator;
  readonly handle: MachineHandle | null;
  readonly network: MachineNetwork | null;
  readonly reservedMib: number | null;
  readonly reservedDiskMib: number | null;
  readonly qmp: Promise<Qmp>;
  readonly origin: Origin | null;
  readonly snapshots: SnapshotPlace;
}

/** The sockets of a VM's gate. */
export function gateSocketsOf(runDirectory: string): GateSockets {
  return { control: join(runDirectory, "net.sock"), rules: join(runDirectory, "rules.sock") };
}

export function buildPresence(parts: PresenceParts): Presence {
  const { id, directory, process, accelerator, handle, network, reservedMib, qmp } = parts;
  const pauses = resumeWhenRoom(qmp);
  const subject = { process, qmp, pauses, origin: parts.origin, scratchPath: scratchPathOf(directory) };
  let destroyed: Promise<void> | null = null;
  let snapshotted: Promise<unknown> = Promise.resolve();
  const remove = async (keepDiskIn: string | undefined) => {
    if (keepDiskIn !== undefined) await quit(qmp, process);
    await process.kill();
    try {
      if (keepDiskIn !== undefined) await keepDisk(directory, parts.origin, keepDiskIn);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  };
  return {
    id,
    backend: QEMU,
    executionMode: "guest",
    accelerator,
    network,
    handle,
    reservedMib,
    reservedDiskMib: parts.reservedDiskMib,
    died: process.ended,
    stall: () => (pauses.isPaused() ? "the host's disk is full; the VM continues when there is space" : null),
    answers: async () => void (await (await qmp).execute("query-status")),
    usage: async () => {
      const inside = await process.inside;
      return {
        memoryBytes: inside ? readMemoryBytes(inside.pid) : 0,
        diskBytes: await diskUsageBytes(directory),
      };
    },
    snapshot: (into: string, options: SnapshotOptions) => {
      // One after the other: each pauses the VM.
      const next = snapshotted.then(() => takeSnapshot(parts.snapshots, subject, into, options));
      snapshotted = next.catch(() => {});
      return next;
    },
    proceed: async () => void (await (await qmp).execute("cont")),
    destroy: (keepDiskIn) => (destroyed ??= remove(keepDiskIn)),
  };
}

/** Makes a QEMU that still runs write the tables of its disk. */
async function quit(qmp: Promise<Qmp>, process: VmProcess): Promise<void> {
  const waiting = new AbortController();
  const ended = qmp.then(async (monitor) => {
    await monitor.execute("quit");
    await process.ended;
  });
  await Promise.race([ended.catch(() => {}), process.ended, sleep(QUIT_MS, undefined, waiting).catch(() => {})]);
  waiting.abort();
}

export function withChannel(presence: Presence, channel: Channel, outlive: Machine["outlive"]): Machine {
  const destroy = (keepDiskIn?: string) => {
    channel.close();
    return presence.destroy(keepDiskIn);
  };
  return { ...presence, channel, outlive, destroy };
}
