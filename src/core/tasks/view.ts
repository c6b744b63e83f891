import type { FoundMachine } from "../../backend/backend.js";
import type { ResultOf } from "../../contract/operations.js";
import type { Damage } from "../../store/record.js";
import type { TaskRecord } from "../../store/task-record.js";
import { viewNetwork } from "../machines/network.js";
import type { Activity } from "./activity.js";
import { WORKSPACE } from "../workspace/destination.js";
import { isResumable } from "./moves.js";
import { shownState, type Service } from "../services/service.js";
import { emptySeed } from "../workspace/seed.js";
import type { TaskExecs } from "../exec/task-execs.js";

type TaskView = ResultOf<"task.status">;

/** The facts of a view that the record does not have. */
export interface TaskFacts {
  readonly record: TaskRecord;
  /** Null when the VM has ended. */
  readonly machine: FoundMachine | null;
  /** Bytes of the disk of a VM that is gone; null when none was kept. */
  readonly keptDisk: () => Promise<number | null>;
  /** Why the VM does not answer at the moment; null when it does. */
  readonly silence: string | null;
  /** Why the last automatic snapshot could not be made. */
  readonly snapshotError: string | null;
  readonly execs: TaskExecs;
  readonly activity: Activity;
  readonly lastPush: TaskView["last_push"];
  readonly ports: TaskView["ports"];
  readonly services: readonly Service[];
}

/** A task as callers see it. */
export async function viewOf({
  record,
  machine,
  keptDisk,
  silence,
  snapshotError,
  execs,
  activity,
  lastPush,
  ports,
  services,
}: TaskFacts): Promise<TaskView> {
  const usage = await machine?.usage();
  return {
    task_id: record.task_id,
    name: record.name,
    labels: record.labels,
    env_names: Object.keys(record.env).toSorted(),
    user: record.user ?? "root",
    environment: record.environment,
    state: record.state,
    state_reason: record.reason ?? silence,
    workspace_path: WORKSPACE,
    vcpu_count: record.vcpu_count,
    mem_mib: record.mem_mib,
    disk_mib: record.disk_mib,
    timeout_seconds: record.timeout_seconds,
    network_enabled: record.network,
    network: await viewNetwork(machine?.network ?? null),
    allow_host_compat: record.allow_host_compat,
    require_isolation: record.require_isolation,
    execution_mode: record.execution_mode,
    accelerator: record.accelerator,
    idle_stop_seconds: record.idle_stop_seconds,
    automatic_snapshot: viewAutomatic(record, snapshotError),
    restored: viewRestored(record),
    forked_from: record.forked_from,
    created_at: record.created_at,
    last_activity_at: activity.last,
    expires_at: isResumable(record) ? null : activity.expiresAt(record.ttl_seconds),
    command_count: execs.all.length,
    running_commands: execs.running.length,
    last_command: lastCommandOf(execs),
    workspace_seed: record.workspace_seed,
    last_push: lastPush,
    ports,
    services: services.map((service) => ({
      name: service.record.name,
      state: shownState(service, record.state === "started"),
    })),
    memory_bytes: usage?.memoryBytes ?? null,
    memory_reserved_mib: machine?.reservedMib ?? null,
    disk_bytes: usage?.diskBytes ?? (await keptDisk()),
  };
}

function viewAutomatic(record: TaskRecord, error: string | null): TaskView["automatic_snapshot"] {
  const { snapshot_every_seconds: every_seconds, automatic_snapshot: last } = record;
  if (every_seconds === 0) return null;
  return { every_seconds, snapshot_id: last?.snapshot_id ?? null, created_at: last?.created_at ?? null, error };
}

function viewRestored({ restores }: TaskRecord): TaskView["restored"] {
  const last = restores.at(-1);
  return last ? { at: last.at, snapshot_at: last.snapshot_at, reason: last.reason } : null;
}

function lastCommandOf(execs: TaskExecs): TaskView["last_command"] {
  const last = execs.all.at(-1);
  if (last === undefined) return null;
  const { started, ended } = last;
  const { exit_code = null, timed_out = false, oom_killed = false } = ended ?? {};
  return { command: started.command, exit_code, timed_out, oom_killed };
}

/** A task whose files cannot be read. It never expires, since its time to live is not known. */
export function viewOfUnreadable(taskId: string, { reason, since }: Damage): TaskView {
  return {
    ...{ task_id: taskId, name: null, labels: {}, env_names: [], user: "unknown", environment: "unknown" },
    ...{ state: "unreadable", state_reason: reason, workspace_path: WORKSPACE },
    ...{
      vcpu_count: 0,
      mem_mib: 0,
      disk_mib: 0,
      network_enabled: false,
      network: null,
      allow_host_compat: false,
      require_isolation: null,
    },
    ...{ timeout_seconds: null, execution_mode: "guest", accelerator: null },
    ...{
      idle_stop_seconds: 0,
      automatic_snapshot: null,
      restored: null,
      forked_from: null,
      created_at: since,
      last_activity_at: since,
      expires_at: null,
    },
    ...{ command_count: 0, running_commands: 0, last_command: null },
    ...{ memory_bytes: null, memory_reserved_mib: null, disk_bytes: null },
    workspace_seed: emptySeed,
    last_push: null,
    ports: [],
    services: [],
  };
}
