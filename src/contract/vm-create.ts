import { z } from "zod";

import { environmentName, vmShape } from "./fields.js";
import { networkFields } from "./network.js";
import { defineOperation } from "./operation.js";
import { vm } from "./vm.js";

export const vmCreate = defineOperation({
  name: "vm.create",
  summary: "Prepare a VM without starting it",
  effect: "creates",
  input: z.strictObject({ environment: environmentName, ...vmShape, ...networkFields }),
  output: vm,
  cli: null,
  sdk: { method: "createVm", optionsType: "VmOptions" },
  mcp: {
    tool: "vm_create",
    title: "Prepare a VM",
    description:
      "Step 1 of running one command in a VM by hand: prepares a VM; then vm_start, then vm_exec. Prefer vm_run.",
  },
});
