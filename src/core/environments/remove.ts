import type { Handler } from "../core.js";

/** Removes an environment with the templates and roots made of it. Spare VMs go too, since they would hold it. */
export const envRemove: Handler<"env.remove"> = async ({ environments, backends, machines }, { environment }) => {
  await machines.dropSpares();
  const { digest, freedBytes } = await environments.remove(environment);
  const isOther = (candidate: string) => candidate !== digest;
  const reports = [await backends.qemu.prune(isOther, false), await backends.hostCompat.prune(isOther, false)];
  return {
    environment,
    removed: true,
    freed_bytes: reports.reduce((sum, report) => sum + report.freedBytes, freedBytes),
  };
};
