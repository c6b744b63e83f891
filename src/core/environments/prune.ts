import type { ResultOf } from "../../contract/operations.js";
import { diskUsageBytes } from "../../host/disk.js";
import type { Core, Handler } from "../core.js";

interface Report {
  readonly removed: Readonly<ResultOf<"env.prune">["removed"]>;
  readonly kept: Readonly<ResultOf<"env.prune">["kept"]>;
  readonly freedBytes: number;
}

/**
 * Removes everything that no VM uses; it can be built again. Removes dependants first: templates and roots, then environments.
 * A dry run drops spare VMs too, since they would hold what a prune removes.
 */
export const envPrune: Handler<"env.prune"> = async (core, { dry_run: dryRun }) => {
  const { environments, backends, machines, toolchains } = core;
  await machines.dropSpares();
  const isHeld = (digest: string) => environments.isHeld(digest);
  const reports: Report[] = [await pruneSetups(core, dryRun)];
  for (const backend of backends.all) reports.push(await backend.prune(isHeld, dryRun));
  reports.push(await environments.prune(dryRun), await pruneToolchains(toolchains, dryRun), keptMemories(core));
  return {
    removed: reports.flatMap(({ removed }) => removed),
    kept: reports.flatMap(({ kept }) => kept),
    freed_bytes: reports.reduce((sum, { freedBytes }) => sum + freedBytes, 0),
    dry_run: dryRun,
  };
};

/** The results of setups, which run again when they are needed. They go first, since they hold environments. */
async function pruneSetups({ snapshots }: Core, dryRun: boolean): Promise<Report> {
  const setups = snapshots.listSetups();
  const sizes = await Promise.all(setups.map(({ directory }) => diskUsageBytes(directory)));
  if (!dryRun) for (const { record } of setups) await snapshots.delete(record.snapshot_id);
  return {
    removed: setups.map(({ record }) => ({ kind: "setup", name: record.snapshot_id })),
    kept: [],
    freedBytes: sizes.reduce((sum, size) => sum + size, 0),
  };
}

/** A saved environment cannot be built again, so it is kept. */
function keptMemories({ snapshots }: Core): Report {
  const kept = snapshots.listSaved().flatMap(({ record }) => record.saved_as ?? []);
  return {
    removed: [],
    kept: kept.map((name) => ({ name, reason: "saved; `pyro env remove` removes it" })),
    freedBytes: 0,
  };
}

/** The one in use stays. */
async function pruneToolchains(toolchains: Core["toolchains"], dryRun: boolean): Promise<Report> {
  const { removed, inUse, freedBytes } = await toolchains.sweep(dryRun);
  return {
    removed: removed.map((name) => ({ kind: "toolchain", name })),
    kept: inUse.map((name) => ({ name, reason: "in use" })),
    freedBytes,
  };
}
