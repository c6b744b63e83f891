import { z } from "zod";

import { defineOperation } from "./operation.js";

export const vmReapExpired = defineOperation({
  name: "vm.reap_expired",
  summary: "Remove expired VMs and tasks",
  details: "Removes them at once; the daemon would do so within a second.",
  effect: "removes",
  input: z.strictObject({}),
  output: z
    .object({ removed: z.array(z.string()).describe("Ids of the removed VMs and tasks.") })
    .meta({ title: "ReapReport", description: "The expired VMs and tasks that were removed." }),
  cli: null,
  sdk: { method: "reapExpired" },
  mcp: {
    tool: "vm_reap_expired",
    title: "Remove expired VMs and tasks",
    description: "Removes VMs and tasks whose time to live has passed.",
  },
});
