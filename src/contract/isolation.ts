import { z } from "zod";

import { isolationLevels } from "./isolation-levels.js";

export const isolationLevel = z.enum(isolationLevels);

export const requireIsolation = isolationLevel
  .optional()
  .describe("Refuse to start the VM unless this host isolates it to at least this level; see SECURITY.md.")
  .meta({ forPrograms: true });

/** The isolation of VMs on this host, and what the host lacks for more. */
export const isolation = z.object({
  level: isolationLevel.nullable().describe("Level that this host gives; null when no VM can run."),
  required: isolationLevel.nullable().describe("Level that the daemon requires, from PYRO_REQUIRE_ISOLATION."),
  missing: z
    .array(
      z.object({
        level: isolationLevel.describe("Lowest level that needs it."),
        piece: z.string(),
        message: z.string(),
        command: z.string().nullable().describe("Command that adds it; null when no such command is known."),
      }),
    )
    .describe("What is missing for `strict`."),
});
