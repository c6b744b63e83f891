import { z } from "zod";

import { environmentName } from "./fields.js";
import { defineOperation } from "./operation.js";

export const envRemove = defineOperation({
  name: "env.remove",
  summary: "Remove an installed environment and its templates",
  details:
    "Fails with `ENVIRONMENT_UNKNOWN` when it is not installed, and with `FAILED_PRECONDITION` while a VM, task or snapshot uses it.",
  effect: "removes",
  input: z.strictObject({ environment: environmentName }),
  output: z
    .object({ environment: z.string(), removed: z.literal(true), freed_bytes: z.int().describe("Bytes freed.") })
    .meta({ title: "RemovedEnvironment", description: "An environment that was removed from this host." }),
  cli: {
    words: ["env", "remove"],
    positionals: ["environment"],
    examples: ["pyro env remove debian:12-build", "pyro env remove docker-archive:image.tar"],
  },
  sdk: { method: "removeEnvironment" },
  mcp: null,
});
