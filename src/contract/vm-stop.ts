import { z } from "zod";

import { defineOperation } from "./operation.js";
import { vm, vmId } from "./vm.js";

export const vmStop = defineOperation({
  name: "vm.stop",
  summary: "Stop a VM; it cannot be started again",
  effect: "stops",
  input: z.strictObject({ vm_id: vmId }),
  output: vm,
  cli: null,
  sdk: { method: "stopVm" },
  mcp: {
    tool: "vm_stop",
    title: "Stop a VM",
    description: "Ends a VM made by vm_create; it cannot be started again.",
  },
});
