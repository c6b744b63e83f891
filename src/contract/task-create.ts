import { z } from "zod";

import {
  allowHostCompat,
  diskMib,
  environmentName,
  idleStopSeconds,
  labels,
  memMib,
  snapshotEverySeconds,
  taskEnv,
  taskTimeoutSeconds,
  taskTtlSeconds,
  user,
  vcpuCount,
} from "./fields.js";
import { requireIsolation } from "./isolation.js";
import { networkFields } from "./network.js";
import { setup, setupDigest, setupKey } from "./setup.js";
import { defineOperation } from "./operation.js";
import { sourceFacts, sourceFilter, sourcePath, warnings } from "./source.js";
import { task, taskName } from "./task.js";

export const taskCreate = defineOperation({
  name: "task.create",
  summary: "Start a persistent VM with a /workspace, empty or filled from the host",
  details:
    "Fails with the codes of a run, and with those of a push for its source; then no task exists. Fails with `ALREADY_EXISTS` when another task has the name, and with `FAILED_PRECONDITION` and `details.reason` `setup_failed` when its setup does not exit with 0; `details` then has `exit_code`, `stdout` and `stderr`.",
  effect: "creates",
  input: z.strictObject({
    environment: environmentName,
    name: taskName.optional(),
    labels,
    env: taskEnv,
    user: user.describe("User of its commands, as NAME, UID or USER:GROUP. Default: the image's, else root."),
    vcpu_count: vcpuCount,
    mem_mib: memMib,
    disk_mib: diskMib,
    ttl_seconds: taskTtlSeconds,
    idle_stop_seconds: idleStopSeconds,
    snapshot_every_seconds: snapshotEverySeconds,
    timeout_seconds: taskTimeoutSeconds,
    ...networkFields,
    allow_host_compat: allowHostCompat,
    require_isolation: requireIsolation,
    setup,
    setup_key: setupKey,
    setup_digest: setupDigest,
    source_path: sourcePath.optional(),
    ...sourceFilter,
    ...sourceFacts,
  }),
  output: task
    .extend({
      warnings: warnings
        .optional()
        .describe("Source entries that were left out, or that changed while they were read."),
    })
    .meta({ title: "CreatedTask", description: "A task that was just created." }),
  streams: true,
  body: "upload",
  cli: {
    words: ["task", "create"],
    positionals: ["environment"],
    flags: { quiet: "Print the id only." },
    examples: [
      "pyro task create debian:12",
      "pyro task create debian:12 --source-path . --git-tracked --with-git",
      "pyro task create debian:12 --name web --label team=shop --env API_TOKEN",
      "TASK=$(pyro task create debian:12 -q)",
      "pyro task create debian:12 --mem-mib 4096 --ttl-seconds 0",
      "pyro task create debian:12 --snapshot-every 300",
      "pyro task create debian:12 --setup 'npm ci' --setup-key package-lock.json",
    ],
  },
  sdk: { method: "createTask", opens: "task" },
  mcp: {
    tool: "task_create",
    title: "Create a task",
    description:
      "Starts a VM that stays, with a /workspace that every command shares. Use it for work of several steps; returns the task_id for the other task_ tools. source_path (absolute) fills it with a directory of this machine. Delete it when you are done.",
    profile: "core",
  },
});
