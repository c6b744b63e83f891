import type { Handler } from "./core.js";

/**
 * Removes everything that no VM uses; it can be built again. Removes dependants first: templates and roots, then environments.
 * A dry run drops spare VMs too, since they would hold what a prune removes.
 */
export const envPrune: Handler<"env.prune"> = async (core, { dry_run: dryRun }) => {
  const { environments, backends, machines } = core;
  await machines.dropSpares();
  const isHeld = (digest: string) => environments.isHeld(digest);
  const reports = [
    await backends.qemu.prune(isHeld, dryRun),
    await backends.hostCompat.prune(isHeld, dryRun),
    await environments.prune(dryRun),
  ];
  return {
    removed: reports.flatMap(({ removed }) => removed),
    kept: reports.flatMap(({ kept }) => kept),
    freed_bytes: reports.reduce((sum, { freedBytes }) => sum + freedBytes, 0),
    dry_run: dryRun,
  };
};
