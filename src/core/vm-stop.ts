import type { Handler } from "./core.js";

export const vmStop: Handler<"vm.stop"> = (core, input) => core.vms.stop(input.vm_id);
