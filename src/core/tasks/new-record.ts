import type { InputOf } from "../../contract/operations.js";
import type { TaskRecord } from "../../store/task-record.js";
import type { AcquiredMachine } from "../machines/facts.js";
import { networkPolicyOf, networkRequestOf } from "../machines/network.js";

/** The record of a task whose machine is ready. */
export function newTaskRecord(
  taskId: string,
  input: Omit<InputOf<"task.create">, "user"> & { readonly user: string | null; readonly commandsIn: string | null },
  { machine, environmentDigest, shape }: AcquiredMachine,
  seed: TaskRecord["workspace_seed"],
): TaskRecord {
  return {
    format: 1,
    task_id: taskId,
    name: input.name ?? null,
    labels: input.labels,
    env: input.env,
    user: input.user,
    working_dir: input.commandsIn,
    environment: input.environment,
    environment_digest: environmentDigest,
    created_at: new Date().toISOString(),
    ttl_seconds: input.ttl_seconds,
    vcpu_count: shape.vcpuCount,
    mem_mib: shape.memMib,
    disk_mib: shape.diskMib,
    timeout_seconds: input.timeout_seconds ?? null,
    allow_host_compat: input.allow_host_compat,
    require_isolation: input.require_isolation ?? null,
    network: input.network,
    execution_mode: machine.executionMode,
    accelerator: machine.accelerator,
    workspace_seed: seed,
    ports: [],
    services: [],
    state: "started",
    reason: null,
    backend: machine.backend,
    machine: machine.handle,
    incarnation: 1,
    resumes_from: null,
    parent_snapshot: null,
    network_policy: networkPolicyOf(networkRequestOf(input)),
    idle_stop_seconds: input.idle_stop_seconds,
    snapshot_every_seconds: input.snapshot_every_seconds,
    automatic_snapshot: null,
    restores: [],
    forked_from: null,
    setup: input.setup ?? null,
    tried_for: null,
  };
}
