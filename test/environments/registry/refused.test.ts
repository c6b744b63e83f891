import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { tar } from "../../archive/raw-tar.js";
import { file, hardlink } from "../../archive/specimen.js";
import { json, makeImage } from "../image/saved.js";
import { openImageCache, pull } from "./cache.js";
import { INDEX, noise, type RegistryDouble, registryDouble, sendError } from "./double.js";

const image = makeImage([tar(file("a", "a")), tar(file("b", "b"))]);
const [layer = "", stored = Buffer.alloc(0)] = [...image.blobs].at(-1) ?? [];

/** A defect of the registry, the code for it, the reason in its details, and a function that makes the defect. */
const wrong: readonly (readonly [
  what: string,
  code: string,
  reason: string | undefined,
  make: (registry: RegistryDouble) => void | string,
])[] = [
  ["a tag that does not exist", "ENVIRONMENT_UNKNOWN", "not_found", ({ host }) => `${host}/me/tool:none`],
  ["a repository that does not exist", "ENVIRONMENT_UNKNOWN", "not_found", ({ host }) => `${host}/no/tool`],
  ["a port that nothing listens on", "REGISTRY_UNREACHABLE", "network", () => "127.0.0.1:1/me/tool"],
  [
    ...(["an access that is denied", "REGISTRY_DENIED", undefined] as const),
    (registry) => void (registry.intercept = (_, response) => sendError(response, 403, "DENIED", "not for you")),
  ],
  [
    ...(["too many pulls", "REGISTRY_RATE_LIMITED", undefined] as const),
    (registry) => {
      registry.intercept = (_, response) => {
        response.setHeader("retry-after", "60");
        return sendError(response, 429, "TOOMANYREQUESTS", "You have reached your pull rate limit");
      };
    },
  ],
  [
    ...(["a registry that fails", "REGISTRY_UNREACHABLE", "server"] as const),
    (registry) => void (registry.intercept = (_, response) => sendError(response, 500, "UNKNOWN", "oh")),
  ],
  [
    ...(["a redirect to a host without TLS", "REGISTRY_UNREACHABLE", "redirect"] as const),
    (registry) => {
      registry.intercept = (_, response) => {
        response.writeHead(307, { location: "http://192.0.2.1/x" }).end();
        return true;
      };
    },
  ],
  [
    ...(["redirects without an end", "REGISTRY_UNREACHABLE", "redirect"] as const),
    (registry) => {
      registry.intercept = ({ url }, response) => {
        response.writeHead(302, { location: url }).end();
        return true;
      };
    },
  ],
  [
    ...(["a manifest of 100 MB", "ENVIRONMENT_BUILD_FAILED", "invalid"] as const),
    (registry) => registry.tag("latest", Buffer.alloc(100_000_000, " "), INDEX),
  ],
  [
    ...(["an index that names itself", "ENVIRONMENT_BUILD_FAILED", "digest"] as const),
    (registry) => {
      const digest = `sha256:${"0".repeat(64)}`;
      const loop = json({ schemaVersion: 2, manifests: [{ mediaType: INDEX, digest, size: 1 }] });
      registry.tag("latest", loop, INDEX);
      registry.intercept = ({ url }, response) => {
        if (!url?.endsWith(digest)) return false;
        response.writeHead(200, { "content-type": INDEX }).end(loop);
        return true;
      };
    },
  ],
  [
    ...(["an index without this platform", "ENVIRONMENT_BUILD_FAILED", "platform"] as const),
    (registry) => {
      const part = { ...image.manifest, platform: { architecture: "arm64", os: "linux" } };
      registry.tag("latest", json({ schemaVersion: 2, manifests: [part, part] }), INDEX);
    },
  ],
  [
    ...(["an answer that is no JSON", "ENVIRONMENT_BUILD_FAILED", "invalid"] as const),
    (registry) => registry.tag("latest", Buffer.from("<html>"), "application/json"),
  ],
  [
    ...(["a layer with other bytes", "ENVIRONMENT_BUILD_FAILED", "digest"] as const),
    (registry) => sendLayer(registry, noise(stored.length, "other")),
  ],
  [
    ...(["a layer with more bytes than its manifest says", "ENVIRONMENT_BUILD_FAILED", "digest"] as const),
    (registry) => sendLayer(registry, Buffer.concat([stored, stored])),
  ],
  [
    ...(["a layer with fewer bytes", "ENVIRONMENT_BUILD_FAILED", "digest"] as const),
    (registry) => sendLayer(registry, stored.subarray(0, 10)),
  ],
  [
    ...(["a layer whose file leads out of the image", "ARCHIVE_PATH_ESCAPES", undefined] as const),
    (registry) => registry.push(makeImage([tar(file("a")), tar(file("a/../../x"))])),
  ],
  [
    ...(["a layer whose whiteout leads out of the image", "ARCHIVE_PATH_ESCAPES", undefined] as const),
    (registry) => registry.push(makeImage([tar(file("a")), tar(file("../.wh.x"))])),
  ],
  [
    ...(["a layer whose hard link leads out of the image", "ARCHIVE_PATH_ESCAPES", undefined] as const),
    (registry) => registry.push(makeImage([tar(hardlink("x", "../../etc/passwd"))])),
  ],
  [
    ...(["a layer that is larger than the disk", "DISK_FULL", undefined] as const),
    (registry) => {
      const layers = [{ digest: layer, size: 2 ** 50 }];
      const config = { digest: [...image.blobs.keys()][0], size: 1 };
      const one = makeImage([image.layers[1] ?? Buffer.alloc(0)]);
      registry.push(one);
      config.digest = [...one.blobs.keys()][0];
      registry.tag("latest", json({ schemaVersion: 2, config, layers }), "application/vnd.oci.image.manifest.v1+json");
    },
  ],
];

function sendLayer(registry: RegistryDouble, bytes: Buffer): void {
  registry.intercept = ({ url }, response) => {
    if (!url?.endsWith(layer)) return false;
    response.end(bytes);
    return true;
  };
}

for (const [what, code, reason, make] of wrong) {
  test(`refused: ${what}; nothing is left`, async (context) => {
    const { directory, cache } = await openImageCache(context);
    const registry = await registryDouble(context);
    registry.push(image);
    const name = make(registry) ?? `${registry.host}/me/tool`;
    await assert.rejects(
      pull(cache, name),
      (error: { code: string; message: string; details: { reason?: string } }) => {
        assert.deepEqual([error.code, reason && error.details.reason], [code, reason], error.message);
        return true;
      },
    );
    assert.deepEqual(readdirSync(join(directory, "cache", "tmp")), []);
    assert.equal(readdirSync(join(directory, "cache", "content")).length, 1);
    await cache.prune();
    assert.deepEqual(readdirSync(join(directory, "cache", "blobs")), []);
  });
}

test("the registry's own words are in the error of a limit", async (context) => {
  const { cache } = await openImageCache(context);
  const registry = await registryDouble(context);
  registry.intercept = (_, response) => {
    response.setHeader("retry-after", "60");
    return sendError(response, 429, "TOOMANYREQUESTS", "You have reached\u001b[2J your limit");
  };
  await assert.rejects(pull(cache, `${registry.host}/me/tool`), {
    code: "REGISTRY_RATE_LIMITED",
    message: /You have reached \[2J your limit Retry after: 60/,
  });
});
