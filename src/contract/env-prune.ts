import { z } from "zod";

import { defineOperation } from "./operation.js";

export const envPrune = defineOperation({
  name: "env.prune",
  summary: "Remove environments, templates and leftovers that no VM uses",
  effect: "removes",
  input: z.strictObject({
    dry_run: z.boolean().default(false).describe("List the items that would be removed; change nothing."),
  }),
  output: z
    .object({
      removed: z.array(
        z.object({
          kind: z.enum(["environment", "template", "toolchain", "setup", "step", "leftover"]),
          name: z.string(),
        }),
      ),
      kept: z
        .array(z.object({ name: z.string(), reason: z.string() }))
        .describe("Items that were not removed, and why."),
      freed_bytes: z.int().describe("Bytes freed, or that would be freed in a dry run."),
      dry_run: z.boolean(),
    })
    .meta({ title: "PruneReport", description: "Items that were removed from this host, and items that were kept." }),
  cli: { words: ["env", "prune"], positionals: [] },
  sdk: { method: "pruneEnvironments", optionsType: "PruneOptions" },
  mcp: null,
});
