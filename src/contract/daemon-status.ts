import { z } from "zod";

import { time } from "./fields.js";
import { isolationLevel } from "./isolation.js";
import { defineOperation } from "./operation.js";

/** Does not start a daemon. Without one, `running` is false and the fields that only a daemon knows are null. */
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
    spare_vms_warming: z.int().describe("Spare VMs that are starting, at a low priority."),
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
      .describe("Spare VMs by environment and shape."),
    home: z.string(),
    log: z.string().describe("Path of the log."),
    started_at: time.nullable(),
    memory_reserved_mib: z.int().describe("Host memory reserved for the VMs in use, in MiB."),
    disk_reserved_mib: z.int().describe("What all VMs may write to their disks, in MiB."),
    disk_kept_mib: z
      .int()
      .nullable()
      .describe("Disk that snapshots, saved environments and tasks take, in MiB; null without a limit on disk."),
    limits: z
      .object({ memory_mib: z.int().nullable(), disk_mib: z.int().nullable(), vms: z.int().nullable() })
      .describe("Limits on all VMs together: PYRO_MAX_MEMORY, PYRO_MAX_DISK, PYRO_MAX_VMS; null for none."),
    require_isolation: isolationLevel.nullable().describe("Least isolation that it accepts, PYRO_REQUIRE_ISOLATION."),
    memory_bytes: z.int().nullable().describe("Resident memory of the daemon itself."),
  }),
  cli: { words: ["daemon", "status"], positionals: [] },
  sdk: null,
  mcp: null,
});
