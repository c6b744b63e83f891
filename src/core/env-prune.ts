import type { Handler } from "./core.js";

/** Removes everything that no VM uses; it can be built again. What uses something goes before what it uses. */
export const envPrune: Handler<"env.prune"> = async (core) => {
  const { environments, backends, machines } = core;
  await machines.dropSpares();
  const isHeld = (digest: string) => environments.isHeld(digest);
  const reports = [
    await backends.qemu.prune(isHeld),
    await backends.hostCompat.prune(isHeld),
    await environments.prune(),
  ];
  return {
    removed: reports.flatMap(({ removed }) => removed),
    kept: reports.flatMap(({ kept }) => kept),
    freed_bytes: reports.reduce((sum, { freedBytes }) => sum + freedBytes, 0),
  };
};
