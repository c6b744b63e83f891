import type { PruneReport } from "../environments/cache.js";
import type { Core, Handler } from "./core.js";

/** A part of PYRO_HOME that can tell what nobody uses, and remove it. */
interface PrunablePart {
  prune(): Promise<PruneReport>;
}

/** In the order of pruning: what uses something comes before what it uses. */
const prunableParts = (core: Core): readonly PrunablePart[] => [core.environments];

/** Removes everything that no VM uses; it can be built again. */
export const envPrune: Handler<"env.prune"> = async (core) => {
  const removed: PruneReport["removed"][number][] = [];
  const kept: PruneReport["kept"][number][] = [];
  let freedBytes = 0;
  for (const part of prunableParts(core)) {
    const report = await part.prune();
    removed.push(...report.removed);
    kept.push(...report.kept);
    freedBytes += report.freedBytes;
  }
  return { removed, kept, freed_bytes: freedBytes };
};
