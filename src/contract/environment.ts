import { z } from "zod";

import { time } from "./fields.js";

/** What env list and env inspect say of one environment. */
export const environment = z
  .object({
    name: z.string(),
    version: z.string().describe("Version of the recipe."),
    description: z.string(),
    installed: z.boolean(),
    distribution: z.string().describe("Distribution and release, such as debian 12."),
    architecture: z.string(),
    default_packages: z.array(z.string()).describe("What the recipe asks for by name."),
    npm_packages: z
      .array(z.object({ name: z.string(), version: z.string(), integrity: z.string() }))
      .optional()
      .describe("Packages of the npm registry in it, with the digest that each was checked against."),
    source: z.string().describe("Where its packages come from."),
    digest: z.string().optional().describe("Digest of the installed content."),
    size_bytes: z.int().optional().describe("Bytes on this disk."),
    pulled_at: time.optional(),
  })
  .meta({ title: "Environment", description: "What is known of one environment." });

export type Environment = z.infer<typeof environment>;
