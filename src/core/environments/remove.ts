import { PyroError } from "../../contract/errors.js";
import { diskUsageBytes } from "../../host/disk.js";
import type { Core, Handler } from "../core.js";

/** Removes an environment with the templates and roots made of it. Spare VMs go too, since they would hold it. */
export const envRemove: Handler<"env.remove"> = async (core, { environment }) => {
  const { environments, backends, machines } = core;
  if (core.snapshots.findSaved(environment) !== null) return removeMemory(core, environment);
  await machines.dropSpares();
  await dropSetups(core, environment);
  await assertNotBelow(core, environment);
  const { digest, freedBytes } = await environments.remove(environment);
  const isOther = (candidate: string) => candidate !== digest;
  let freed_bytes = freedBytes;
  for (const backend of backends.all) freed_bytes += (await backend.prune(isOther, false)).freedBytes;
  return { environment, removed: true, freed_bytes };
};

async function removeMemory({ snapshots }: Core, environment: string) {
  const { directory, record } = snapshots.findSaved(environment)!;
  const freed_bytes = await diskUsageBytes(directory);
  await snapshots.delete(record.snapshot_id);
  return { environment, removed: true as const, freed_bytes };
}

/** Throws FAILED_PRECONDITION with the names of environments with memory that need this one. */
async function assertNotBelow({ environments, snapshots }: Core, environment: string): Promise<void> {
  const digest = (await environments.find(environment).catch(() => null))?.digest;
  const above = snapshots.listSaved().filter(({ record }) => record.environment_digest === digest);
  const needed_by = above.flatMap(({ record }) => record.saved_as ?? []);
  if (needed_by.length === 0) return;
  throw new PyroError("FAILED_PRECONDITION", `The environment ${environment} is the base of ${needed_by.join(", ")}.`, {
    hint: "Remove these environments first.",
    details: { environment, needed_by },
  });
}

/** Removes the snapshots of setups in an environment: they would hold it, and can be made again. */
async function dropSetups({ environments, snapshots }: Core, environment: string): Promise<void> {
  const digest = (await environments.find(environment).catch(() => null))?.digest;
  const above = snapshots.listSetups().filter(({ record }) => record.environment_digest === digest);
  for (const { record } of above) await snapshots.delete(record.snapshot_id);
}
