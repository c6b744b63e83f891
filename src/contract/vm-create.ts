import { z } from "zod";

import { environmentName, vmShape } from "./fields.js";
import { networkFields } from "./network.js";
import { defineOperation } from "./operation.js";
import { vm } from "./vm.js";

export const vmCreate = defineOperation({
  name: "vm.create",
  summary: "Set a VM up, without starting it",
  input: z.strictObject({ environment: environmentName, ...vmShape, ...networkFields }),
  output: vm,
  streams: false,
  stdin: false,
  cli: null,
  sdk: "createVm",
  mcp: "vm_create",
});
