import type { Handler } from "./core.js";

export const vmDelete: Handler<"vm.delete"> = async (core, input) => {
  await core.vms.delete(input.vm_id);
  return { vm_id: input.vm_id, deleted: true };
};
