import { z } from "zod";

import { defineOperation } from "./operation.js";

export const envPrune = defineOperation({
  name: "env.prune",
  summary: "Remove what no VM uses: environments, templates, leftovers",
  effect: "removes",
  input: z.strictObject({
    dry_run: z.boolean().default(false).describe("List what would be removed; change nothing."),
  }),
  output: z
    .object({
      removed: z.array(
        z.object({ kind: z.enum(["environment", "template", "toolchain", "leftover"]), name: z.string() }),
      ),
      kept: z.array(z.object({ name: z.string(), reason: z.string() })).describe("What was left alone, and why."),
      freed_bytes: z.int().describe("Bytes of what was removed, or would be."),
      dry_run: z.boolean(),
    })
    .meta({ title: "PruneReport", description: "What was removed from this host, and what was left alone." }),
  cli: { words: ["env", "prune"], positionals: [] },
  sdk: { method: "pruneEnvironments", optionsType: "PruneOptions" },
  mcp: null,
});
