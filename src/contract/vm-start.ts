import { z } from "zod";

import { defineOperation } from "./operation.js";
import { vm, vmId } from "./vm.js";

export const vmStart = defineOperation({
  name: "vm.start",
  summary: "Start a VM",
  input: z.strictObject({ vm_id: vmId }),
  output: vm,
  streams: true,
  stdin: false,
  cli: null,
  sdk: "startVm",
  mcp: "vm_start",
});
