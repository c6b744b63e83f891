import { z } from "zod";

import { defineOperation } from "./operation.js";

export const vmReapExpired = defineOperation({
  name: "vm.reap_expired",
  summary: "Remove VMs and tasks whose time is over",
  details: "They are removed at once instead of within a second.",
  effect: "removes",
  input: z.strictObject({}),
  output: z
    .object({ removed: z.array(z.string()).describe("Ids of what was removed.") })
    .meta({ title: "ReapReport", description: "What was removed because its time was over." }),
  cli: null,
  sdk: { method: "reapExpired" },
  mcp: {
    tool: "vm_reap_expired",
    title: "Remove what expired",
    description: "Removes VMs and tasks whose time to live is over.",
  },
});
