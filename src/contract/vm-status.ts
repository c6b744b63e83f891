import { z } from "zod";

import { defineOperation } from "./operation.js";
import { vm, vmId } from "./vm.js";

export const vmStatus = defineOperation({
  name: "vm.status",
  summary: "Show one VM",
  input: z.strictObject({ vm_id: vmId }),
  output: vm,
  streams: false,
  stdin: false,
  readOnly: true,
  cli: null,
  sdk: "statusVm",
  mcp: "vm_status",
});
