import type { NetworkRequest, Presence } from "../../backend/backend.js";
import type { MachineSnapshot } from "../../backend/snapshot.js";
import { newSnapshotId, type SnapshotRecord } from "../../store/snapshot-record.js";

/** Core's facts about a new snapshot. */
export type NewSnapshot = Pick<
  SnapshotRecord,
  "name" | "task_id" | "parent" | "environment" | "environment_digest" | "vcpu_count" | "mem_mib" | "disk_mib"
> &
  Partial<Pick<SnapshotRecord, "saved_as" | "setup_key">>;

/** The record of a snapshot that was just made. */
export function buildRecord(machine: Presence, about: NewSnapshot, made: MachineSnapshot): SnapshotRecord {
  return {
    format: 1,
    snapshot_id: newSnapshotId(),
    saved_as: null,
    setup_key: null,
    ...about,
    created_at: new Date().toISOString(),
    network: copyRequest(machine.network?.request ?? null),
    execution_mode: machine.executionMode,
    accelerator: machine.accelerator,
    memory_bytes: made.memoryBytes,
    disk_bytes: made.diskBytes,
    pause_ms: Math.round(made.pauseMs),
    machine: { ...made.handle },
  };
}

function copyRequest(request: NetworkRequest | null): SnapshotRecord["network"] {
  if (request === null) return null;
  const { allow, deny, allowHosts, hostEnv, hostCaFiles } = request;
  const lists = { allow: [...allow], deny: [...deny], allowHosts: [...allowHosts] };
  return { ...lists, hostEnv: { ...hostEnv }, hostCaFiles: hostCaFiles && [...hostCaFiles] };
}
