import { z } from "zod";

import { defineOperation } from "./operation.js";

export const vmReapExpired = defineOperation({
  name: "vm.reap_expired",
  summary: "Remove VMs and tasks whose time is over",
  input: z.strictObject({}),
  output: z.object({ removed: z.array(z.string()).describe("Ids of what was removed.") }),
  streams: false,
  stdin: false,
  cli: null,
  sdk: "reapExpired",
  mcp: "vm_reap_expired",
});
