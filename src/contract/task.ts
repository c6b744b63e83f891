import { z } from "zod";

import { bytesWritten, entryCount, sourceMode, ignoredXattrCount } from "./source.js";
import { isolationLevel } from "./isolation.js";
import { networkInfo } from "./network.js";
import { publishedPort } from "./port.js";
import { serviceState } from "./service-state.js";
import { accelerator, commandOutcome, executionMode, time } from "./fields.js";

/** A reference to a task: its id, or its name, which the daemon resolves. */
export const taskId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/, "expected a task's id, such as task-0123456789ab, or its name")
  .describe("Id or name of a task.");

export const taskName = z
  .string()
  .regex(
    /^(?!task-[0-9a-f]{12}$)[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/,
    "expected a name of at most 63 letters, digits and _ . - that does not look like an id",
  )
  .describe("Name of the task, usable instead of its id.");

export const execSequence = z.int().min(1).describe("Number of the command in its task.");

export const execState = z.enum(["running", "ended"]);

export const execError = z
  .object({ code: z.string(), message: z.string() })
  .nullable()
  .describe("Why the command ended without an exit status, such as the VM's death.");

const taskState = z
  .enum(["started", "stopped", "failed", "unreadable"])
  .describe("unreadable: its record was damaged.");

export const workspaceSeed = z
  .object({
    mode: sourceMode,
    source_path: z.string().nullable(),
    destination: z.string(),
    entry_count: entryCount,
    bytes_written: bytesWritten,
    ignored_xattr_count: ignoredXattrCount
      .nullable()
      .describe(
        "Entries whose extended attributes or access control lists were dropped; null if they were not counted: those of a directory or file are not.",
      ),
  })
  .meta({
    title: "WorkspaceSeed",
    description: "Content of the workspace when the task was created; a push never changes it.",
  });

/** A restore from an automatic snapshot. */
const restored = z.object({
  at: time,
  snapshot_at: time.describe("Moment of the snapshot; everything after it is lost."),
  reason: z.string().describe("Why the VM ended."),
});

const lastPush = workspaceSeed
  .omit({ ignored_xattr_count: true })
  .extend({ pushed_at: time })
  .meta({ title: "LastPush", description: "The last completed sync push." });

/** One task, as create, status and list return it. */
export const task = z
  .object({
    task_id: z.string(),
    name: z.string().nullable(),
    labels: z.record(z.string(), z.string()),
    env_names: z.array(z.string()).describe("Names of the environment variables that all its commands get."),
    user: z.string().describe("User of its commands.").meta({ forPrograms: true }),
    environment: z.string().describe("`unknown` when its record is unreadable."),
    state: taskState,
    state_reason: z.string().nullable().describe("Why it is not started, or why its VM is paused."),
    workspace_path: z.string(),
    vcpu_count: z.int(),
    mem_mib: z.int(),
    disk_mib: z.int(),
    timeout_seconds: z.int().nullable().describe("Time-out of commands that set none; null for the default."),
    network_enabled: z.boolean(),
    network: networkInfo.nullable().describe("Null when the task has no network or is not started."),
    allow_host_compat: z.boolean(),
    require_isolation: isolationLevel
      .nullable()
      .describe("Least isolation with which it may start; null when it has no requirement.")
      .meta({ forPrograms: true }),
    execution_mode: executionMode,
    accelerator,
    idle_stop_seconds: z.int().describe("Seconds without use until it is stopped; 0 for never."),
    automatic_snapshot: z
      .object({
        every_seconds: z.int(),
        snapshot_id: z.string().nullable().describe("Null before the first one."),
        created_at: time.nullable(),
        error: z.string().nullable().describe("Why a newer one could not be made."),
      })
      .nullable()
      .describe("The last automatic snapshot; null when none are made.")
      .meta({ forPrograms: true }),
    restored: restored.nullable().describe("The last restore after the VM died; null when there was none."),
    forked_from: z
      .object({ task_id: z.string(), snapshot_id: z.string().nullable(), at: time })
      .nullable()
      .describe("The task, or its snapshot, that it is a fork of."),
    created_at: time,
    last_activity_at: time,
    expires_at: time.nullable().describe("Null when it never expires."),
    command_count: z.int(),
    running_commands: z.int(),
    last_command: z
      .object({ command: z.string(), exit_code: z.int().nullable(), timed_out: z.boolean(), oom_killed: z.boolean() })
      .nullable(),
    workspace_seed: workspaceSeed,
    last_push: lastPush.nullable().describe("The last completed sync push; null when there was none."),
    ports: z.array(publishedPort).describe("Its published ports.").meta({ forPrograms: true }),
    services: z
      .array(z.object({ name: z.string(), state: serviceState }))
      .describe("Its services.")
      .meta({ forPrograms: true }),
    memory_bytes: z.int().nullable().describe("Host memory that its VM uses now."),
    memory_reserved_mib: z
      .int()
      .nullable()
      .describe("Host memory reserved for its VM, in MiB: the most that the VM may use."),
    disk_bytes: z.int().nullable().describe("Host disk that its VM uses now."),
  })
  .meta({ title: "TaskInfo", description: "State and resources of one task." });

/** The result of a task's command; also an entry of the task's log. */
export const taskExecOutcome = z
  .object({
    task_id: z.string(),
    sequence: execSequence,
    command: z.string(),
    cwd: z.string(),
    ...commandOutcome,
    exit_code: z
      .int()
      .nullable()
      .describe("Null while the command runs, and when it ended without an exit code: see `error`."),
    state: execState,
    error: execError,
    accelerator,
    started_at: time,
    restored: restored
      .extend({ undone: z.boolean().describe("The command ran after the snapshot: its changes are lost.") })
      .nullable()
      .describe("A restore that undid the command, or that the first command after it reports; else null."),
  })
  .meta({ title: "TaskExecResult", description: "The result of a task's command; also an entry of the task's log." });
