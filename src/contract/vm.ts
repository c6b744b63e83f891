import { z } from "zod";

import { accelerator, executionMode, time } from "./fields.js";

export const vmId = z
  .string()
  .regex(/^vm-[0-9a-f]{12}$/, "expected a VM's id, such as vm-0123456789ab")
  .describe("Id of a VM.");

/** One VM, as create, start, stop and status return it. */
export const vm = z
  .object({
    vm_id: z.string(),
    environment: z.string().describe("`unknown` when its record is unreadable."),
    state: z
      .enum(["created", "started", "stopped", "failed", "unreadable"])
      .describe("unreadable: its record was damaged."),
    state_reason: z.string().nullable().describe("Why it failed, or why it is paused."),
    vcpu_count: z.int(),
    mem_mib: z.int(),
    network_enabled: z.boolean(),
    allow_host_compat: z.boolean(),
    execution_mode: executionMode.nullable().describe("Null until it is started."),
    accelerator,
    created_at: time.describe("UTC, ISO 8601. If its record is unreadable, the time when that file was written."),
    expires_at: time.nullable().describe("Null when its record is unreadable; then it does not expire."),
  })
  .meta({ title: "Vm", description: "State and lifetime of one VM." });
