import type { Handler } from "../core.js";

/** Removes an environment with the templates and roots made of it. Spare VMs go too, since they would hold it. */
export const envRemove: Handler<"env.remove"> = async ({ environments, backends, machines }, { environment }) => {
  await machines.dropSpares();
  const { digest, freedBytes } = await environments.remove(environment);
  const isOther = (candidate: string) => candidate !== digest;
  let freed_bytes = freedBytes;
  for (const backend of backends.all) freed_bytes += (await backend.prune(isOther, false)).freedBytes;
  return { environment, removed: true, freed_bytes };
};
