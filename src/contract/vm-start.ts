import { z } from "zod";

import { defineOperation } from "./operation.js";
import { vm, vmId } from "./vm.js";

export const vmStart = defineOperation({
  name: "vm.start",
  summary: "Start a VM",
  details: "Fails with `FAILED_PRECONDITION` when the VM was started or stopped before.",
  effect: "creates",
  input: z.strictObject({ vm_id: vmId }),
  output: vm,
  streams: true,
  cli: null,
  sdk: { method: "startVm" },
  mcp: {
    tool: "vm_start",
    title: "Start a VM",
    description: "Step 2: boots a VM made by vm_create.",
  },
});
