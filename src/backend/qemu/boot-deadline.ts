/** Emulation boots within this on a busy host. So may KVM when the user has chosen it, since nothing else is tried then. */
const DEFAULT_BOOT_MS = 90_000;
const SHORTEST_BOOT_MS = 10_000;
/** The longest time limit of a template. A host that needs more would emulate even more slowly. */
const LONGEST_BOOT_MS = 300_000;
/** A template may take this many times as long as the boot sector. Where that takes 0.2 s, a template takes less than 5 s. */
const BOOT_PER_SECTOR = 50;

/** The boot sector may take this many times as long as a program's start in the jail: about 0.2 s, where a start takes 30 ms. */
const SECTOR_PER_START = 100;
const SHORTEST_SECTOR_MS = 5_000;
const LONGEST_SECTOR_MS = 30_000;

/** How long the boot sector may take where a program needs `startMs` to start and end in the jail. */
export function computeSectorDeadline(startMs: number): number {
  return clamp(startMs * SECTOR_PER_START, SHORTEST_SECTOR_MS, LONGEST_SECTOR_MS);
}

/** How long a template may take to boot where the boot sector takes `sectorMs` on the same accelerator; null when it was not tried. */
export function computeBootDeadline(sectorMs: number | null): number {
  if (sectorMs === null) return DEFAULT_BOOT_MS;
  return clamp(sectorMs * BOOT_PER_SECTOR, SHORTEST_BOOT_MS, LONGEST_BOOT_MS);
}

function clamp(value: number, least: number, most: number): number {
  return Math.round(Math.min(most, Math.max(least, value)));
}
