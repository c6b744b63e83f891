import type { Handler } from "./core.js";

export const vmNetworkInfo: Handler<"vm.network_info"> = (core, input) => core.vms.networkInfo(input.vm_id);
