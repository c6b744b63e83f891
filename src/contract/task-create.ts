import { z } from "zod";

import { allowHostCompat, environmentName, memMib, taskTtlSeconds, diskMib, vcpuCount } from "./fields.js";
import { defineOperation } from "./operation.js";
import { task } from "./task.js";

export const taskCreate = defineOperation({
  name: "task.create",
  summary: "Start a persistent VM with a /workspace",
  input: z.strictObject({
    environment: environmentName,
    vcpu_count: vcpuCount,
    mem_mib: memMib,
    disk_mib: diskMib,
    ttl_seconds: taskTtlSeconds,
    allow_host_compat: allowHostCompat,
  }),
  output: task,
  streams: true,
  stdin: false,
  cli: { words: ["task", "create"], positionals: ["environment"] },
  sdk: "createTask",
  mcp: "task_create",
});
