import { join } from "node:path";

import { PyroError } from "../contract/errors.js";
import { lstat, mkdir, readdir, realpath, rename, rm } from "../host/files.js";
import { diskUsageBytes } from "../host/disk.js";
import { endToolsIn, processesIn } from "../host/tools-in.js";
import { SharedWork } from "../host/shared-work.js";
import { isTemporaryName, newTemporaryName, sweepTemporaries } from "../host/temporary.js";
import { installToolchain, type InstallFollower, type InstallOutcome, type InstallProgress } from "./install.js";
import { CURRENT, inToolchain, readToolchain, type InstalledToolchain } from "./installed.js";
import type { PackageSource } from "../environments/debian/package-source.js";

/** The value of PYRO_TOOLCHAIN that selects the host's programs despite a private toolchain. */
const HOST = "host";

/** Toolchains that a sweep removed, and those that running VMs use. */
interface SweepReport {
  readonly removed: readonly string[];
  readonly inUse: readonly string[];
  readonly freedBytes: number;
}

/** The private toolchains of a home: the one in use, and older ones that VMs still run from. */
export class Toolchains {
  readonly directory: string;
  readonly #choice: string | null;
  #known: InstalledToolchain | null = null;
  readonly #installing = new SharedWork<InstallOutcome, InstallProgress>();

  private constructor(directory: string, choice: string | null) {
    this.directory = directory;
    this.#choice = choice;
  }

  /** `choice` is PYRO_TOOLCHAIN: `host`, or the directory of a toolchain. Removes the leftovers of a killed installation. */
  static async open(homePath: string, choice: string | undefined): Promise<Toolchains> {
    const toolchains = new Toolchains(join(homePath, "toolchain"), choice || null);
    await mkdir(toolchains.directory, { recursive: true, mode: 0o700 });
    await sweepTemporaries(toolchains.directory, endToolsIn);
    return toolchains;
  }

  /** The toolchain to start VMs with now; null for the host's QEMU. Throws INVALID_ARGUMENT when PYRO_TOOLCHAIN names no toolchain. */
  async inUse(): Promise<InstalledToolchain | null> {
    if (this.#choice === HOST) return null;
    const path = this.#choice ?? join(this.directory, CURRENT);
    // Each start of a VM reads it, and the content of a toolchain's directory never changes.
    const real = await realpath(path).catch(() => null);
    if (real !== null && real === this.#known?.path) return this.#known;
    const found = await readToolchain(path);
    this.#known = found;
    if (found !== null || this.#choice === null) return found;
    throw new PyroError("INVALID_ARGUMENT", `PYRO_TOOLCHAIN names ${path}, which is not a toolchain.`, {
      hint: `Set it to \`${HOST}\` or to a directory in toolchain/ of a PYRO_HOME, or unset it; then run \`pyro daemon stop\`.`,
    });
  }

  /** The directory of programs that the host may lack; null when none of them is used. */
  get programs(): string | null {
    if (this.#choice === HOST) return null;
    return join(this.#choice ?? join(this.directory, CURRENT), inToolchain.programs);
  }

  /** The toolchain of this home, in use or not. */
  installed(): Promise<InstalledToolchain | null> {
    return readToolchain(join(this.directory, CURRENT));
  }

  /** Fetches the newest packages and switches to them. Callers at the same time share the work. */
  install(follower: InstallFollower, source?: PackageSource): Promise<InstallOutcome> {
    return this.#installing.join("install", follower, async (shared) => {
      await this.sweep(false);
      return installToolchain(this.directory, shared, source);
    });
  }

  /** Switches back to the host's QEMU. Toolchains that running VMs use stay until the next sweep. */
  async remove(): Promise<SweepReport> {
    await rm(join(this.directory, CURRENT), { force: true });
    return this.sweep(false);
  }

  /** Removes toolchains that are neither in use nor run from. */
  async sweep(dryRun: boolean): Promise<SweepReport> {
    const current = await this.installed();
    const removed: string[] = [];
    const inUse: string[] = [];
    let freedBytes = 0;
    for (const name of await readdir(this.directory)) {
      const path = join(this.directory, name);
      if (isTemporaryName(name) || name === current?.id || !(await lstat(path)).isDirectory()) continue;
      if (processesIn(path).length > 0) {
        inUse.push(name);
        continue;
      }
      freedBytes += await diskUsageBytes(path);
      removed.push(name);
      if (!dryRun) await this.#removeWhole(path);
    }
    return { removed, inUse, freedBytes };
  }

  async #removeWhole(path: string): Promise<void> {
    const leaving = join(this.directory, newTemporaryName());
    await rename(path, leaving);
    await rm(leaving, { recursive: true, force: true });
  }
}
