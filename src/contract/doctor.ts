import { z } from "zod";

import { acceleratorName } from "./fields.js";
import { isolation } from "./isolation.js";
import { certificateAuthority, networkFields } from "./network.js";
import { defineOperation } from "./operation.js";

const candidate = z.object({
  name: acceleratorName,
  exists: z.boolean(),
  opens: z.boolean(),
  usable: z.boolean().nullable().describe("Null until it has been tried."),
  reason: z.string(),
});

export const doctor = defineOperation({
  name: "doctor",
  summary: "Check whether this host can run VMs, and list what is missing",
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
        qemu_source: z.enum(["host", "private"]).nullable().describe("Origin of the QEMU; see `pyro toolchain`."),
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
        .describe("Certificate authorities that this host trusts, and a VM only with --network-host-ca."),
      limits: z
        .object({
          set: z.boolean(),
          reason: z.string().describe("Path of the control groups, or why they cannot be used."),
          command: z
            .string()
            .nullable()
            .describe(
              "Command that starts the daemon where it may create control groups; null when no such command is known.",
            ),
        })
        .describe("Host limits on each VM, or the process that replaces it: memory, processes, processors."),
      isolation: isolation.describe("How far this host isolates a VM; SECURITY.md defines the levels."),
      problems: z.array(
        z.object({ message: z.string(), command: z.string().describe("Command that fixes the problem.") }),
      ),
    })
    .meta({ title: "DoctorReport", description: "Whether this host can run VMs, and which parts are missing." }),
  cli: { words: ["doctor"], positionals: [] },
  sdk: { method: "doctor" },
  mcp: null,
});
