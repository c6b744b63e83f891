import { z } from "zod";

import { environment } from "./environment.js";
import { defineOperation } from "./operation.js";

export const envList = defineOperation({
  name: "env.list",
  summary: "List the environments",
  effect: "reads",
  input: z.strictObject({}),
  output: z
    .object({ catalog_version: z.string(), environments: z.array(environment) })
    .meta({ title: "EnvironmentList", description: "The environments that can be used here." }),
  cli: { words: ["env", "list"], positionals: [] },
  sdk: { method: "listEnvironments" },
  mcp: {
    tool: "vm_list_environments",
    title: "List environments",
    description:
      "Lists the Linux environments that VMs can start from, with their packages. debian:12 suits most work.",
  },
});
