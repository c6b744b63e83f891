import { z } from "zod";

import { defineOperation } from "./operation.js";
import { vmId } from "./vm.js";

export const vmDelete = defineOperation({
  name: "vm.delete",
  summary: "Remove a VM",
  input: z.strictObject({ vm_id: vmId }),
  output: z.object({ vm_id: z.string(), deleted: z.literal(true) }),
  streams: false,
  stdin: false,
  cli: null,
  sdk: "deleteVm",
  mcp: "vm_delete",
});
