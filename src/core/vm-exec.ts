import type { Handler } from "./core.js";

export const vmExec: Handler<"vm.exec"> = (core, input, call) => core.vms.exec(input, call);
