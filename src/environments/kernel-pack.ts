import type { HeldEnvironment } from "./acquire.js";
import { catalog } from "./catalog.js";
import type { InstalledEnvironment } from "./installed.js";
import type { KernelPack } from "./source.js";

/** The smallest environment that has a kernel. */
const SMALLEST = "debian:12-base";

/** A kernel pack that stays until the release is called. */
export interface HeldKernelPack {
  readonly pack: KernelPack;
  readonly release: () => void;
}

/**
 * The kernel pack of an installed environment of the catalog, held until the release is called. Without one, `pull` is called for
 * the smallest.
 */
export async function takeKernelPack(
  acquire: (name: string) => Promise<HeldEnvironment | null>,
  pull: (name: string) => Promise<unknown>,
): Promise<HeldKernelPack> {
  for (const { name } of catalog) {
    // A damaged environment is left for its own pull to repair.
    const held = await acquire(name).catch(() => null);
    if (held) return { pack: packOf(held.environment), release: held.release };
  }
  for (;;) {
    await pull(SMALLEST);
    const held = await acquire(SMALLEST);
    if (held) return { pack: packOf(held.environment), release: held.release };
  }
}

function packOf({ kernelPath, initramfsPath, manifest }: InstalledEnvironment): KernelPack {
  return {
    ...{ kernelPath, initramfsPath, version: manifest.kernel_version },
    packages: manifest.packages.filter(({ name }) => name.startsWith("linux-image-")),
  };
}
