import { z } from "zod";

import { environment } from "./environment.js";
import { environmentName } from "./fields.js";
import { defineOperation } from "./operation.js";

export const envInspect = defineOperation({
  name: "env.inspect",
  summary: "Show one environment, its packages and digests",
  details: "Fails with `ENVIRONMENT_UNKNOWN`.",
  effect: "reads",
  input: z.strictObject({ environment: environmentName }),
  output: environment
    .extend({
      kernel_version: z.string().optional(),
      packages: z.array(z.object({ name: z.string(), version: z.string() })).optional(),
      files: z.array(z.object({ name: z.string(), size_bytes: z.int(), sha256: z.string() })).optional(),
    })
    .meta({
      title: "EnvironmentDetails",
      description: "An environment with its packages and digests; the lists exist once it is installed.",
    }),
  cli: { words: ["env", "inspect"], positionals: ["environment"] },
  sdk: { method: "inspectEnvironment" },
  mcp: null,
});
