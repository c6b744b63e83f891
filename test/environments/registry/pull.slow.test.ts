import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { openEnvironmentCache } from "../../../src/environments/cache.js";
import { tar } from "../../archive/raw-tar.js";
import { file } from "../../archive/specimen.js";
import { askDebugfs, checkFileSystem } from "../image/files.js";
import { json, makeImage, sha256 } from "../image/saved.js";
import { ImageSource, openImageCache, pull } from "./cache.js";
import { INDEX, noise, type RegistryDouble, registryDouble, sendError } from "./double.js";

const MIB = 1_048_576;
const base = tar(file("bin/tool", "tool"), file("gone"));
const upper = tar(file(".wh.gone", ""), file("new", "new"));

async function open(context: TestContext) {
  return { ...(await openImageCache(context)), registry: await registryDouble(context) };
}

const left = (directory: string) => readdirSync(join(directory, "cache", "tmp"));
const blobNames = (directory: string) => readdirSync(join(directory, "cache", "blobs")).sort();

test("an image of a registry becomes an environment; a second pull compares the digest and fetches nothing", async (context) => {
  const { cache, registry } = await open(context);
  const image = makeImage([base, upper]);
  registry.push(image);
  const name = `${registry.host}/me/tool`;
  const { environment, built } = await pull(cache, name);
  checkFileSystem(environment.rootPath);
  assert.equal(askDebugfs(environment.rootPath, "cat /new"), "new");
  assert.doesNotMatch(askDebugfs(environment.rootPath, "ls /"), /gone/);
  assert.deepEqual([built, environment.recipe.name], [true, `${name}:latest`]);
  assert.equal(environment.manifest.origin?.digest, image.manifest.digest);
  registry.requests.length = 0;
  const again = await pull(cache, name);
  assert.deepEqual([again.built, again.registryChecked, again.environment.movedTo], [false, true, null]);
  assert.deepEqual(registry.requests, ["HEAD manifests/latest"]);
  assert.deepEqual(await cache.listReferences(), [`${name}:latest`]);
});

test("the part for linux/amd64 of an index is taken; by its digest an image is not asked for again", async (context) => {
  const { cache, registry } = await open(context);
  const other = makeImage([upper], {}, { architecture: "arm64" });
  const fitting = makeImage([base]);
  for (const image of [other, fitting]) registry.push(image, image.manifest.digest);
  const part = (image: typeof other, architecture: string) => ({
    ...image.manifest,
    platform: { architecture, os: "linux" },
  });
  const index = json({ schemaVersion: 2, manifests: [part(other, "arm64"), part(fitting, "amd64")] });
  registry.tag("many", index, INDEX);
  const { environment } = await pull(cache, `${registry.host}/me/tool:many`);
  assert.equal(askDebugfs(environment.rootPath, "cat /bin/tool"), "tool");
  assert.deepEqual(
    [environment.manifest.image?.digest, environment.manifest.origin?.digest],
    [fitting.manifest.digest, sha256(index)],
  );
  const exact = `${registry.host}/me/tool@${sha256(index)}`;
  await pull(cache, exact);
  registry.requests.length = 0;
  assert.equal((await pull(cache, exact)).registryChecked, null);
  assert.deepEqual(registry.requests, []);
});

test("a tag that moved is reported by a pull, kept, and taken with an update", async (context) => {
  const { cache, registry } = await open(context);
  const name = `${registry.host}/me/tool:1`;
  registry.push(makeImage([base]), "1");
  const first = await pull(cache, name);
  const second = makeImage([base, upper]);
  registry.push(second, "1");
  const seen = await pull(cache, name);
  assert.deepEqual([seen.built, seen.environment.digest], [false, first.environment.digest]);
  assert.equal(seen.environment.movedTo, second.manifest.digest);
  assert.equal((await cache.find(name))?.movedTo, second.manifest.digest, "the record has it");
  const updated = await pull(cache, name, { update: true });
  assert.deepEqual([updated.built, updated.environment.movedTo], [true, null]);
  assert.equal(askDebugfs(updated.environment.rootPath, "cat /new"), "new");
  assert.equal((await pull(cache, name, { update: true })).built, false, "nothing is newer");
});

test("a registry that is gone does not spoil a check, and fails an update", async (context) => {
  const { cache, registry } = await open(context);
  registry.push(makeImage([base]));
  const name = `${registry.host}/me/tool`;
  await pull(cache, name);
  registry.intercept = (_, response) => sendError(response, 503, "UNAVAILABLE", "down");
  const { built, registryChecked } = await pull(cache, name);
  assert.deepEqual([built, registryChecked], [false, false]);
  await assert.rejects(pull(cache, name, { update: true }), { code: "REGISTRY_UNREACHABLE" });
});

test("an image that is named by its digest, and an environment of no registry, have no update", async (context) => {
  const { cache } = await open(context);
  for (const name of ["debian:12", `localhost:1/x@sha256:${"0".repeat(64)}`])
    await assert.rejects(pull(cache, name, { update: true }), { code: "INVALID_ARGUMENT" });
});

test("a layer that two images share is fetched once, also by pulls at once, and goes with the last of them", async (context) => {
  const { directory, cache, registry } = await open(context);
  const [one, two] = [makeImage([base]), makeImage([base, upper])];
  registry.push(one, "one");
  registry.push(two, "two");
  const names = ["one", "two"].map((tag) => `${registry.host}/me/tool:${tag}`);
  await Promise.all([...names, names[0] ?? ""].map((name) => pull(cache, name)));
  const fetched = registry.requests.filter((line) => line.startsWith("GET blobs/"));
  assert.equal(new Set(fetched).size, fetched.length, "nothing twice");
  assert.equal(blobNames(directory).length, 2);
  await cache.remove(names[1] ?? "");
  assert.equal(blobNames(directory).length, 1, "the other image has the base");
  await cache.remove(names[0] ?? "");
  assert.deepEqual(blobNames(directory), []);
});

test("a prune removes the layers of the environments that it removes, and keeps those of held ones", async (context) => {
  const { directory, cache, registry } = await open(context);
  registry.push(makeImage([base, upper]));
  const { environment } = await pull(cache, `${registry.host}/me/tool`);
  const release = cache.hold(environment.digest);
  await cache.prune();
  assert.equal(blobNames(directory).length, 2);
  release();
  const dry = await cache.prune(true);
  assert.equal(blobNames(directory).length, 2);
  const { removed } = await cache.prune();
  assert.deepEqual(removed, dry.removed);
  assert.equal(removed.filter(({ name }) => name.startsWith("layer sha256:")).length, 2);
  assert.deepEqual(blobNames(directory), []);
});

/** An image with a layer of several MiB, the digest of that layer, and its bytes. */
function largeImage() {
  const image = makeImage([tar(file("small", "x")), tar({ ...file("large"), content: noise(3 * MIB, "large") })]);
  const [digest = "", bytes = Buffer.alloc(0)] = [...image.blobs].at(-1) ?? [];
  return { image, digest, bytes };
}

/** Breaks the connection of each fetch of a blob after this many bytes, `times` times. */
function breakOff(registry: RegistryDouble, { digest, bytes }: ReturnType<typeof largeImage>, at: number, times = 1) {
  let broken = 0;
  registry.intercept = (request, response) => {
    if (!request.url?.endsWith(digest) || broken === times) return false;
    const from = Number(/\d+/.exec(request.headers.range ?? "0")?.[0]);
    broken += 1;
    response.writeHead(from > 0 ? 206 : 200, {
      "content-length": bytes.length - from,
      ...(from > 0 && { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
    });
    response.write(bytes.subarray(from, from + at), () => response.destroy());
    return true;
  };
}

test("a connection that breaks is continued where it broke", async (context) => {
  const { cache, registry } = await open(context);
  const large = largeImage();
  registry.push(large.image);
  breakOff(registry, large, MIB, 2);
  const { environment } = await pull(cache, `${registry.host}/me/tool`);
  checkFileSystem(environment.rootPath);
  const ranges = registry.requests.filter((line) => line.includes(`${large.digest} bytes=`));
  assert.ok(ranges.length >= 1, registry.requests.join("\n"));
});

test("an answer with another range than the one that was asked for is not used", async (context) => {
  const { cache, registry } = await open(context);
  const large = largeImage();
  registry.push(large.image);
  breakOff(registry, large, MIB);
  const breakOnce = registry.intercept;
  registry.intercept = (request, response) => {
    if (breakOnce(request, response)) return true;
    if (request.headers.range === undefined) return false;
    response.writeHead(206, { "content-range": `bytes 0-${large.bytes.length - 1}/${large.bytes.length}` });
    response.end(large.bytes);
    return true;
  };
  checkFileSystem((await pull(cache, `${registry.host}/me/tool`)).environment.rootPath);
});

test("a layer is asked for again when the registry fails", async (context) => {
  const { cache, registry } = await open(context);
  const large = largeImage();
  registry.push(large.image);
  let failures = 0;
  registry.intercept = ({ url }, response) =>
    url?.endsWith(large.digest) === true &&
    (failures += 1) <= 2 &&
    sendError(response, 503, "UNAVAILABLE", "try again");
  assert.equal((await pull(cache, `${registry.host}/me/tool`)).built, true);
  assert.equal(failures, 3);
});

test("a pull that was cancelled is continued by the next one, also in another process", async (context) => {
  const { directory, cache, registry } = await open(context);
  const large = largeImage();
  registry.push(large.image);
  const controller = new AbortController();
  registry.intercept = (request, response) => {
    if (!request.url?.endsWith(large.digest)) return false;
    response.writeHead(200, { "content-length": large.bytes.length });
    response.write(large.bytes.subarray(0, 2 * MIB));
    return true;
  };
  const cancelled = pull(cache, `${registry.host}/me/tool`, {
    signal: controller.signal,
    onProgress: ({ message }) => {
      if (message.includes(": 2 of")) controller.abort();
    },
  });
  await assert.rejects(cancelled, { code: "ABORTED" });
  assert.deepEqual(left(directory), []);
  registry.intercept = () => false;
  registry.requests.length = 0;
  const another = await openEnvironmentCache({ directory: join(directory, "cache"), source: new ImageSource() });
  const { environment } = await pull(another, `${registry.host}/me/tool`);
  checkFileSystem(environment.rootPath);
  const request = registry.requests.find((line) => line.includes(large.digest)) ?? "";
  assert.ok(Number(/bytes=(\d+)-/.exec(request)?.[1]) >= 2 * MIB - 65_536, request);
});

test("a damaged piece of an earlier pull is fetched anew", async (context) => {
  const { directory, cache, registry } = await open(context);
  const large = largeImage();
  registry.push(large.image);
  mkdirSync(join(directory, "cache", "blobs"), { recursive: true });
  const part = join(directory, "cache", "blobs", `${large.digest.slice(7)}.part`);
  writeFileSync(part, Buffer.alloc(MIB));
  const { environment } = await pull(cache, `${registry.host}/me/tool`);
  checkFileSystem(environment.rootPath);
});

test("a layer that was damaged on this disk is fetched again by the next pull", async (context) => {
  const { directory, cache, registry } = await open(context);
  const { image, digest, bytes } = largeImage();
  registry.push(image);
  registry.push(makeImage([image.layers[1] ?? base]), "other");
  await pull(cache, `${registry.host}/me/tool`);
  writeFileSync(join(directory, "cache", "blobs", digest.slice(7)), Buffer.alloc(bytes.length));
  await assert.rejects(pull(cache, `${registry.host}/me/tool:other`));
  await pull(cache, `${registry.host}/me/tool:other`);
});
