import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { PyroError } from "../../../src/contract/errors.js";
import { linkBaseEnvironments } from "../../../src/environments/base.js";
import { type EnvironmentCache, openEnvironmentCache } from "../../../src/environments/cache.js";
import type { BuildOptions } from "../../../src/environments/source.js";
import { tar } from "../../archive/raw-tar.js";
import { file } from "../../archive/specimen.js";
import { gate, pull, temporaryDirectory, unhurried } from "../fake-source.js";
import { ImageSource } from "./image-source.js";

/** An empty cache, and root file systems that become its images. */
async function open(context: TestContext) {
  const directory = await temporaryDirectory(context);
  const at = join(directory, "environments");
  const source = new ImageSource();
  const cache = await openEnvironmentCache({ directory: at, source });
  const references = ["one", "two", "three"].map((name) => {
    writeFileSync(join(directory, `${name}.tar`), tar(file(name, name)));
    return `rootfs:${join(directory, `${name}.tar`)}`;
  }) as [string, string, string];
  return { directory, at, source, cache, references, kernels: () => readdirSync(join(at, "kernels")) };
}

const kernelOf = async (cache: EnvironmentCache, name: string) => {
  const { environment } = await pull(cache, name);
  return [readFileSync(environment.kernelPath, "utf8"), environment.manifest.kernel_version];
};

test("without an environment of the catalog, a kernel alone is fetched, once for all images", async (context) => {
  const { at, source, cache, references, kernels } = await open(context);
  const [one, two, three] = references;
  const { environment } = await pull(cache, one);
  assert.equal(readFileSync(environment.kernelPath, "utf8"), "kernel 1");
  assert.deepEqual(environment.manifest.packages, [{ name: "linux-image-fake", version: "1" }]);
  assert.deepEqual(await kernelOf(cache, two), ["kernel 1", "6.1"]);
  // Another daemon of the home.
  const next = await openEnvironmentCache({ directory: at, source });
  assert.deepEqual(await kernelOf(next, three), ["kernel 1", "6.1"]);
  assert.deepEqual([source.kernels, source.builds, kernels().length], [1, 0, 1]);
});

test("the kernel of an installed environment of the catalog comes first", async (context) => {
  const { source, cache, references } = await open(context);
  await pull(cache, references[0]);
  await pull(cache, "debian:13");
  assert.deepEqual(await kernelOf(cache, references[1]), ["kernel", "6.1"]);
  assert.equal(source.kernels, 1);
});

test("a rebuild of an image fetches the newest kernel, and later images take it", async (context) => {
  const { source, cache, references, kernels } = await open(context);
  await pull(cache, references[0]);
  const { environment } = await pull(cache, references[0], true);
  assert.equal(environment.manifest.kernel_version, "6.2");
  assert.deepEqual(await kernelOf(cache, references[1]), ["kernel 2", "6.2"]);
  assert.deepEqual([source.kernels, kernels().length], [2, 1]);
});

test("a fetched kernel that was changed, or whose record was, is fetched again", async (context) => {
  const { at, source, cache, references, kernels } = await open(context);
  await pull(cache, references[0]);
  for (const [name, expected] of [
    ["kernel", 2],
    ["kernel.json", 3],
  ] as const) {
    const path = join(at, "kernels", kernels()[0] ?? "", name);
    rmSync(path);
    writeFileSync(path, "{}");
    assert.deepEqual(await kernelOf(cache, references[expected - 1] ?? ""), [`kernel ${expected}`, `6.${expected}`]);
  }
  assert.deepEqual([source.kernels, kernels().length], [3, 1]);
});

test("two first images at once share the fetch of the kernel; the cancel of one does not disturb the other", async (context) => {
  const { source, cache, references } = await open(context);
  const [fetching, permitted] = [gate(), gate()];
  source.duringKernel = async () => {
    fetching.open();
    await permitted.opened;
  };
  const controller = new AbortController();
  const cancelled = cache.pull(references[0], { rebuild: false, signal: controller.signal, onProgress: () => {} });
  const seen: string[] = [];
  await fetching.opened;
  const joined = gate();
  const other = cache.pull(references[1], {
    ...{ rebuild: false, signal: unhurried() },
    onProgress: ({ phase }) => {
      seen.push(phase);
      if (phase === "kernel") joined.open();
    },
  });
  await joined.opened;
  controller.abort();
  permitted.open();
  await assert.rejects(cancelled, { code: "ABORTED" });
  assert.equal((await other).environment.manifest.kernel_version, "6.1");
  assert.equal(source.kernels, 1);
  assert.ok(seen.includes("kernel"));
});

test("a failed or cancelled fetch of the kernel leaves nothing, and the next pull tries again", async (context) => {
  const { at, source, cache, references, kernels } = await open(context);
  source.duringKernel = () => Promise.reject(Object.assign(new Error("full"), { code: "ENOSPC" }));
  await assert.rejects(pull(cache, references[0]), { code: "DISK_FULL" });
  const controller = new AbortController();
  source.duringKernel = (_, signal) => {
    const aborted = new Promise<void>((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
    });
    controller.abort();
    return aborted;
  };
  const options = { rebuild: false, signal: controller.signal, onProgress: () => {} };
  await assert.rejects(cache.pull(references[0], options), { code: "ABORTED" });
  assert.deepEqual([kernels(), readdirSync(join(at, "tmp"))], [[], []]);
  source.duringKernel = async () => {};
  assert.deepEqual(await kernelOf(cache, references[0]), ["kernel 3", "6.3"]);
});

test("a prune removes a fetched kernel, unless a pull needs it", async (context) => {
  const { source, cache, references, kernels } = await open(context);
  await pull(cache, references[0]);
  assert.ok((await cache.prune(true)).removed.some(({ name }) => name === "kernel 6.1"));
  assert.equal(kernels().length, 1);
  const [building, permitted] = [gate(), gate()];
  class Waiting extends ImageSource {
    override async build(...[recipe, directory, options]: Parameters<ImageSource["build"]>) {
      const takeKernel: BuildOptions["takeKernel"] = async (follower) => {
        const held = await options.takeKernel(follower);
        building.open();
        await permitted.opened;
        return held;
      };
      return super.build(recipe, directory, { ...options, takeKernel });
    }
  }
  source.build = (...args) => new Waiting().build(...args);
  const pulled = pull(cache, references[1]);
  await building.opened;
  assert.ok(!(await cache.prune()).removed.some(({ name }) => name.startsWith("kernel")));
  permitted.open();
  assert.equal((await pulled).environment.manifest.kernel_version, "6.1");
  assert.ok((await cache.prune()).removed.some(({ name }) => name === "kernel 6.1"));
  assert.deepEqual(kernels(), []);
});

test("the kernel of a base serves the images of a home above it", async (context) => {
  const { directory, source, cache, references } = await open(context);
  await pull(cache, references[0]);
  const above = join(directory, "above", "environments");
  await linkBaseEnvironments(above, directory);
  const upper = await openEnvironmentCache({ directory: above, source });
  assert.deepEqual(await kernelOf(upper, references[1]), ["kernel 1", "6.1"]);
  await upper.prune();
  assert.equal(readdirSync(join(directory, "environments", "kernels")).length, 1);
  assert.equal(source.kernels, 1);
});

test("an image that cannot be read ends the fetch of the kernel; a kernel that cannot be fetched ends the pull", async (context) => {
  const { directory, at, source, cache, references, kernels } = await open(context);
  // Ends only when it is cancelled.
  source.duringKernel = (_, until) =>
    new Promise((_resolve, reject) => {
      until.addEventListener("abort", () => reject(until.reason as Error));
    });
  await assert.rejects(pull(cache, `rootfs:${directory}/none.tar`), { code: "ENVIRONMENT_UNKNOWN" });
  const failure = new PyroError("ENVIRONMENT_BUILD_FAILED", "no network", {
    details: { reason: "mirror_unreachable" },
  });
  source.duringKernel = () => Promise.reject(failure);
  await assert.rejects(pull(cache, references[0]), { code: "ENVIRONMENT_BUILD_FAILED", message: "no network" });
  assert.deepEqual([kernels(), readdirSync(join(at, "tmp"))], [[], []]);
});
