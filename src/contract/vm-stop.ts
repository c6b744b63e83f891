import { z } from "zod";

import { defineOperation } from "./operation.js";
import { vm, vmId } from "./vm.js";

export const vmStop = defineOperation({
  name: "vm.stop",
  summary: "Stop a VM; it cannot be started again",
  input: z.strictObject({ vm_id: vmId }),
  output: vm,
  streams: false,
  stdin: false,
  cli: null,
  sdk: "stopVm",
  mcp: "vm_stop",
});
