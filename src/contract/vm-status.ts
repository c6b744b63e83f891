import { z } from "zod";

import { defineOperation } from "./operation.js";
import { vm, vmId } from "./vm.js";

export const vmStatus = defineOperation({
  name: "vm.status",
  summary: "Show one VM",
  effect: "reads",
  input: z.strictObject({ vm_id: vmId }),
  output: vm,
  cli: null,
  sdk: { method: "statusVm" },
  mcp: {
    tool: "vm_status",
    title: "Show a VM",
    description: "State and expiry of a VM made by vm_create.",
  },
});
