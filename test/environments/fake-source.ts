import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { openEnvironmentCache, type EnvironmentCache } from "../../src/environments/cache.js";
import type { Follower } from "../../src/host/shared-work.js";
import {
  environmentFiles,
  type BuildOptions,
  type BuiltEnvironment,
  type EnvironmentSource,
  type PullProgress,
  type Recipe,
} from "../../src/environments/source.js";

/** A source that writes three small files, and that a test can make wait or fail. */
export class FakeSource implements EnvironmentSource {
  readonly description = "a fake";
  builds = 0;
  discarded: string[] = [];
  /** Runs in the middle of each build, when two of the three files are there. */
  during: (directory: string, options: BuildOptions) => Promise<void> = async () => {};

  async assertAble() {}

  async build(recipe: Recipe, directory: string, options: BuildOptions): Promise<BuiltEnvironment> {
    this.builds += 1;
    options.onProgress({ phase: "download", message: "half", fraction: 0.5 });
    writeFileSync(join(directory, environmentFiles.kernel), "kernel");
    writeFileSync(join(directory, environmentFiles.initramfs), "initramfs");
    writeFileSync(join(directory, "stranger"), "left behind");
    await this.during(directory, options);
    writeFileSync(join(directory, environmentFiles.root), `root of ${recipe.name}, build ${this.builds}`);
    return { kernelVersion: "6.1", packages: [{ name: "bash", version: "5" }] };
  }

  kernels = 0;
  /** Runs in the middle of each fetch of a kernel. */
  duringKernel: (directory: string, signal: AbortSignal) => Promise<void> = async () => {};

  async fetchKernel(directory: string, { signal, onProgress }: Follower<PullProgress>) {
    this.kernels += 1;
    onProgress({ phase: "kernel", message: "half", fraction: 0.5 });
    writeFileSync(join(directory, environmentFiles.kernel), `kernel ${this.kernels}`);
    await this.duringKernel(directory, signal);
    writeFileSync(join(directory, environmentFiles.initramfs), "initramfs");
    return { version: `6.${this.kernels}`, packages: [{ name: "linux-image-fake", version: `${this.kernels}` }] };
  }

  async discard(directory: string) {
    this.discarded.push(directory);
  }
}

/** Waits for the abort, as a build that is killed does. */
export function untilAborted({ signal }: BuildOptions): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
}

/** A promise and what settles it. */
export function gate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

export async function temporaryDirectory(context: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "pyro-test-"));
  context.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export async function openFakeCache(context: TestContext) {
  const directory = await temporaryDirectory(context);
  const source = new FakeSource();
  return { directory, source, cache: await openEnvironmentCache({ directory, source }) };
}

export const unhurried = (): AbortSignal => new AbortController().signal;

export function pull(cache: EnvironmentCache, name = "debian:12", rebuild = false) {
  return cache.pull(name, { rebuild, signal: unhurried(), onProgress: () => {} });
}
