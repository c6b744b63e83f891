import type { Handler } from "./core.js";

export const vmStart: Handler<"vm.start"> = (core, input, call) => core.vms.start(input.vm_id, call);
