import type { Handler } from "./core.js";

export const vmReapExpired: Handler<"vm.reap_expired"> = async (core) => ({
  removed: [...(await core.vms.reapExpired()), ...(await core.tasks.reapExpired())],
});
