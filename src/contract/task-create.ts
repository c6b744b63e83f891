import { z } from "zod";

import {
  allowHostCompat,
  diskMib,
  environmentName,
  labels,
  memMib,
  taskEnv,
  taskTimeoutSeconds,
  taskTtlSeconds,
  vcpuCount,
} from "./fields.js";
import { networkFields } from "./network.js";
import { defineOperation } from "./operation.js";
import { sourceFacts, sourceFilter, sourcePath, warnings } from "./source.js";
import { task, taskName } from "./task.js";

export const taskCreate = defineOperation({
  name: "task.create",
  summary: "Start a persistent VM with a /workspace, empty or filled from the host",
  input: z.strictObject({
    environment: environmentName,
    name: taskName.optional(),
    labels,
    env: taskEnv,
    vcpu_count: vcpuCount,
    mem_mib: memMib,
    disk_mib: diskMib,
    ttl_seconds: taskTtlSeconds,
    timeout_seconds: taskTimeoutSeconds,
    ...networkFields,
    allow_host_compat: allowHostCompat,
    source_path: sourcePath.optional(),
    ...sourceFilter,
    ...sourceFacts,
  }),
  output: task.extend({ warnings: warnings.optional().describe("What of its source was left out or may be torn.") }),
  streams: true,
  stdin: false,
  upload: true,
  cli: { words: ["task", "create"], positionals: ["environment"] },
  sdk: "createTask",
  mcp: "task_create",
});
