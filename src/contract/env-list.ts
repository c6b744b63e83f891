import { z } from "zod";

import { environment } from "./environment.js";
import { defineOperation } from "./operation.js";

export const envList = defineOperation({
  name: "env.list",
  summary: "List the environments",
  input: z.strictObject({}),
  output: z.object({ catalog_version: z.string(), environments: z.array(environment) }),
  streams: false,
  stdin: false,
  readOnly: true,
  cli: { words: ["env", "list"], positionals: [] },
  sdk: "listEnvironments",
  mcp: "vm_list_environments",
});
