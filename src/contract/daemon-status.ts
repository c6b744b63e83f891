import { z } from "zod";

import { time } from "./fields.js";
import { defineOperation } from "./operation.js";

/** Asking does not start a daemon: without one, `running` is false and what only a daemon knows is null. */
export const daemonStatus = defineOperation({
  name: "daemon.status",
  summary: "Show the daemon",
  effect: "reads",
  input: z.strictObject({}),
  output: z.object({
    running: z.boolean(),
    pid: z.int().nullable(),
    version: z.string().nullable(),
    uptime_seconds: z.number().nullable(),
    vms: z.int().describe("VMs in use; spare ones do not count."),
    spare_vms: z.int().describe("VMs kept ready for the next command."),
    spare_vms_warming: z.int().describe("VMs being made ready, at a low priority."),
    spares: z
      .array(
        z.object({
          environment: z.string(),
          vcpu_count: z.int(),
          mem_mib: z.int(),
          network: z.boolean(),
          ready: z.int(),
          warming: z.int(),
        }),
      )
      .describe("Spare VMs by what they are kept for."),
    home: z.string(),
    log: z.string().describe("Path of the log."),
    started_at: time.nullable(),
    memory_reserved_mib: z.int().describe("Host memory that the VMs in use can come to take, in MiB."),
    memory_bytes: z.int().nullable().describe("Resident memory of the daemon itself."),
  }),
  cli: { words: ["daemon", "status"], positionals: [] },
  sdk: null,
  mcp: null,
});
