import type { Handler } from "./core.js";

export const vmStatus: Handler<"vm.status"> = async (core, input) => core.vms.status(input.vm_id);
