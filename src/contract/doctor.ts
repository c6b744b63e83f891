import { z } from "zod";

import { acceleratorName } from "./fields.js";
import { certificateAuthority, networkFields } from "./network.js";
import { defineOperation } from "./operation.js";

const candidate = z.object({
  name: acceleratorName,
  exists: z.boolean(),
  opens: z.boolean(),
  usable: z.boolean().nullable().describe("Null while nothing has been tried."),
  reason: z.string(),
});

export const doctor = defineOperation({
  name: "doctor",
  summary: "Say whether this host can run VMs, and what is missing",
  effect: "reads",
  input: z.strictObject({ network_host_env: networkFields.network_host_env }),
  output: z
    .object({
      ok: z.boolean().describe("True when a VM can run."),
      platform: z.string(),
      runtime: z.object({
        ok: z.boolean(),
        qemu_version: z.string().nullable(),
        qemu_path: z.string().nullable(),
        qemu_source: z.enum(["host", "private"]).nullable().describe("Whose QEMU it is; see `pyro toolchain`."),
        jail: z.string(),
      }),
      accelerator: z.object({
        in_use: acceleratorName.nullable(),
        reason: z.string(),
        candidates: z.array(candidate),
      }),
      environment_cache: z.object({ path: z.string(), installed: z.array(z.string()), size_bytes: z.int() }),
      capabilities: z.object({ vm_boot: z.boolean(), guest_exec: z.boolean(), guest_network: z.boolean() }),
      networking: z.string(),
      host_ca: z
        .array(certificateAuthority)
        .describe("Certificate authorities that this host trusts and a VM does not, without --network-host-ca."),
      limits: z
        .object({
          set: z.boolean(),
          reason: z.string().describe("Where the control groups are, or why there are none."),
          command: z
            .string()
            .nullable()
            .describe("What starts the daemon where it may make them; null when nothing is known to."),
        })
        .describe("Limits of the host on each VM, and on what stands in for one: memory, processes, processors."),
      problems: z.array(z.object({ message: z.string(), command: z.string().describe("What mends it.") })),
    })
    .meta({ title: "DoctorReport", description: "Whether this host can run VMs, and what is missing." }),
  cli: { words: ["doctor"], positionals: [] },
  sdk: { method: "doctor" },
  mcp: null,
});
