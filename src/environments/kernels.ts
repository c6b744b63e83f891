import { createHash } from "node:crypto";
import { join } from "node:path";

import { z } from "zod";

import { sha256OfFile } from "../host/digest.js";
import { diskUsageBytes } from "../host/disk.js";
import { mkdir, readdir, readFile, rename, rm, syncDirectory, writeFile } from "../host/files.js";
import { type Follower, SharedWork } from "../host/shared-work.js";
import type { HeldEnvironment } from "./acquire.js";
import { catalog } from "./catalog.js";
import { diskFullOr, type InstallPlace, removeBuild, sealFile } from "./install.js";
import type { InstalledEnvironment } from "./installed.js";
import { newTemporaryPath } from "./layout.js";
import { environmentFiles, type HeldKernelPack, type KernelPack, type PullProgress } from "./source.js";

const kernelRecord = z.object({
  format: z.literal(1),
  kernel_version: z.string(),
  packages: z.array(z.object({ name: z.string(), version: z.string() })),
  fetched_at: z.iso.datetime(),
  files: z.array(z.object({ name: z.enum([environmentFiles.kernel, environmentFiles.initramfs]), sha256: z.string() })),
});
type KernelRecord = Readonly<z.infer<typeof kernelRecord>>;

const RECORD = "kernel.json";

type KernelsPlace = InstallPlace & { readonly acquire: (name: string) => Promise<HeldEnvironment | null> };

/**
 * The kernels for images: that of an installed environment of the catalog, or else one that was fetched alone. Each fetched kernel is a
 * directory of its own, named by the digest of its record.
 */
export class Kernels {
  readonly #place: KernelsPlace;
  readonly #fetches = new SharedWork<string, PullProgress>();

  constructor(place: KernelsPlace) {
    this.#place = place;
  }

  /** A kernel pack, held until the release is called. Fetches one where there is none; `fresh` does not use an older fetched one. */
  async take(fresh: boolean, follower: Follower<PullProgress>): Promise<HeldKernelPack> {
    for (const { name } of catalog) {
      // A damaged environment is left for its own pull to repair.
      const held = await this.#place.acquire(name).catch(() => null);
      if (held) return { pack: packOf(held.environment), release: held.release };
    }
    const kept = fresh ? null : await this.#takeKept();
    if (kept) return kept;
    for (;;) {
      const name = await this.#fetches.join("kernel", follower, (shared) => this.#fetch(shared));
      const held = await this.#hold(name);
      // A prune may have removed it in between.
      if (held) return held;
    }
  }

  /** Removes the kernels that no pull uses. */
  async sweep(dryRun: boolean): Promise<{ readonly versions: readonly string[]; readonly freedBytes: number }> {
    const { layout, holds } = this.#place;
    const versions: string[] = [];
    let freedBytes = 0;
    for (const name of await readdir(layout.kernels)) {
      if (holds.isHeld(holdOf(name))) continue;
      const path = join(layout.kernels, name);
      freedBytes += await diskUsageBytes(path);
      versions.push((await readRecord(path))?.kernel_version ?? "unknown");
      if (!dryRun) await this.#remove(name);
    }
    return { versions, freedBytes };
  }

  async #takeKept(): Promise<HeldKernelPack | null> {
    const { layout } = this.#place;
    const kept = [];
    for (const name of await readdir(layout.kernels)) {
      const record = await readRecord(join(layout.kernels, name));
      if (record !== null) kept.push({ name, at: record.fetched_at });
    }
    for (const { name } of kept.toSorted((a, b) => (a.at < b.at ? 1 : -1))) {
      const held = await this.#hold(name);
      if (held) return held;
    }
    return null;
  }

  /** Null when it is gone or damaged. */
  async #hold(name: string): Promise<HeldKernelPack | null> {
    const { layout, holds } = this.#place;
    if (holds.isLeaving(holdOf(name))) return null;
    const release = holds.hold(holdOf(name));
    const directory = join(layout.kernels, name);
    const record = await readRecord(directory);
    if (record !== null && (await isIntact(directory, record))) return { pack: keptPack(directory, record), release };
    release();
    return null;
  }

  /** Returns its name. */
  async #fetch(follower: Follower<PullProgress>): Promise<string> {
    const { layout, source, building } = this.#place;
    const directory = newTemporaryPath(layout);
    building.add(directory);
    try {
      await mkdir(directory, { mode: 0o755 });
      const { version, packages } = await source.fetchKernel(directory, follower);
      const files = [];
      for (const name of [environmentFiles.kernel, environmentFiles.initramfs]) {
        const { sha256 } = await sealFile(directory, name, follower.signal);
        files.push({ name, sha256 });
      }
      const fetched_at = new Date().toISOString();
      const record: KernelRecord = { format: 1, kernel_version: version, packages: [...packages], fetched_at, files };
      const text = JSON.stringify(record);
      await writeFile(join(directory, RECORD), text, { flush: true, mode: 0o444 });
      await syncDirectory(directory);
      const name = nameOf(text);
      await rename(directory, join(layout.kernels, name));
      await syncDirectory(layout.kernels);
      for (const older of await readdir(layout.kernels)) if (older !== name) await this.#remove(older);
      return name;
    } catch (error) {
      await removeBuild(source, directory);
      throw await diskFullOr(error, layout);
    } finally {
      building.delete(directory);
    }
  }

  async #remove(name: string): Promise<void> {
    const { layout, holds } = this.#place;
    await holds.ifUnheld(holdOf(name), () => rm(join(layout.kernels, name), { recursive: true, force: true }));
  }
}

/** The name under which a kernel is held, among the digests of environments. */
function holdOf(name: string): string {
  return `kernel ${name}`;
}

function nameOf(record: string): string {
  return createHash("sha256").update(record).digest("hex");
}

/** Null where no whole record is. */
async function readRecord(directory: string): Promise<KernelRecord | null> {
  const text = await readFile(join(directory, RECORD), "utf8").catch(() => "");
  if (!directory.endsWith(nameOf(text))) return null;
  return kernelRecord.safeParse(JSON.parse(text)).data ?? null;
}

async function isIntact(directory: string, { files }: KernelRecord): Promise<boolean> {
  for (const { name, sha256 } of files) {
    if ((await sha256OfFile(join(directory, name)).catch(() => "")) !== sha256) return false;
  }
  return true;
}

function keptPack(directory: string, { kernel_version: version, packages }: KernelRecord): KernelPack {
  const [kernelPath, initramfsPath] = [environmentFiles.kernel, environmentFiles.initramfs].map((name) =>
    join(directory, name),
  ) as [string, string];
  return { kernelPath, initramfsPath, version, packages };
}

function packOf({ kernelPath, initramfsPath, manifest }: InstalledEnvironment): KernelPack {
  return {
    ...{ kernelPath, initramfsPath, version: manifest.kernel_version },
    packages: manifest.packages.filter(({ name }) => name.startsWith("linux-image-")),
  };
}
