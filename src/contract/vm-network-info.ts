import { z } from "zod";

import { networkInfo } from "./network.js";
import { defineOperation } from "./operation.js";
import { vmId } from "./vm.js";

export const vmNetworkInfo = defineOperation({
  name: "vm.network_info",
  summary: "Show a VM's addresses, network policy and refused connections",
  details: "Fails with `NOT_FOUND`.",
  effect: "reads",
  input: z.strictObject({ vm_id: vmId }),
  output: z
    .object({
      vm_id: z.string(),
      network_enabled: z.boolean(),
      network: networkInfo.nullable().describe("Null when the VM has no network or is not started."),
    })
    .meta({ title: "VmNetwork", description: "A VM's network." }),
  cli: null,
  sdk: { method: "networkInfoVm" },
  mcp: {
    tool: "vm_network_info",
    title: "Show a VM's network",
    description: "Addresses, policy and refusals of a VM with a network.",
  },
});
