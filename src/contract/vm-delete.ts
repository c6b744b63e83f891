import { z } from "zod";

import { defineOperation } from "./operation.js";
import { vmId } from "./vm.js";

export const vmDelete = defineOperation({
  name: "vm.delete",
  summary: "Remove a VM",
  effect: "removes",
  input: z.strictObject({ vm_id: vmId }),
  output: z
    .object({ vm_id: z.string(), deleted: z.literal(true) })
    .meta({ title: "DeletedVm", description: "A VM that was deleted." }),
  cli: null,
  sdk: { method: "deleteVm" },
  mcp: {
    tool: "vm_delete",
    title: "Delete a VM",
    description: "Removes a VM made by vm_create.",
  },
});
