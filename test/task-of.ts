import type { ResultOf } from "../src/contract/operations.js";

/** A task as status shows it, started and idle unless told otherwise. */
export function taskOf(change: Partial<ResultOf<"task.status">> = {}): ResultOf<"task.status"> {
  return {
    task_id: "task-0123456789ab",
    name: null,
    labels: {},
    env_names: [],
    environment: "debian:12",
    state: "started",
    state_reason: null,
    workspace_path: "/workspace",
    vcpu_count: 1,
    mem_mib: 1024,
    disk_mib: 10_240,
    timeout_seconds: null,
    network_enabled: false,
    network: null,
    allow_host_compat: false,
    execution_mode: "guest",
    accelerator: "tcg",
    idle_stop_seconds: 0,
    forked_from: null,
    created_at: "2026-01-01T00:00:00.000Z",
    last_activity_at: "2026-01-01T00:00:00.000Z",
    expires_at: "2026-01-02T00:01:30.000Z",
    command_count: 0,
    running_commands: 0,
    last_command: null,
    last_push: null,
    workspace_seed: { mode: "empty", source_path: null, destination: "/workspace", entry_count: 0, bytes_written: 0 },
    memory_bytes: 65_536 * 1_048_576,
    memory_reserved_mib: 65_920,
    disk_bytes: 1_536 * 1_048_576,
    ...change,
  };
}
