import { z } from "zod";

import { environment } from "./environment.js";
import { defineOperation } from "./operation.js";

/** The name of a saved environment. */
export const savedName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}(:[A-Za-z0-9._-]{1,64})?$/,
    "expected at most 63 letters, digits and _ . -, and after a colon a tag",
  );

const warnings = z.array(z.string()).describe("What the saved state lacks.");

export const envSave = defineOperation({
  name: "env.save",
  summary: "Save a task or snapshot as an environment",
  details:
    "`run` and `task.create` start from it, with its processes, or with its files alone after `disk_only`. It depends on no task and no snapshot. Fails with `ALREADY_EXISTS` when an environment has the name, with `FAILED_PRECONDITION` for a failed task, with `HOST_NOT_ABLE` in `host_compat`.",
  effect: "creates",
  input: z.strictObject({
    source: savedName.describe("Id or name of a task or snapshot, or an environment that was saved with memory."),
    name: savedName.describe("Name of the new environment."),
    disk_only: z
      .boolean()
      .default(false)
      .describe("Save the files without memory and processes: smaller, for VMs of any size, and fit for an export."),
  }),
  output: environment.extend({ warnings }).meta({
    title: "SavedEnvironment",
    description: "An environment that was saved from a task.",
  }),
  streams: true,
  cli: {
    words: ["env", "save"],
    positionals: ["source", "name"],
    examples: ["pyro env save TASK web:ready", "pyro env save SNAPSHOT web:files --disk-only"],
  },
  sdk: { method: "saveEnvironment" },
  mcp: null,
});
