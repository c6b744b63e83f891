import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import type { PyroError } from "../../../src/contract/errors.js";
import { tar } from "../../archive/raw-tar.js";
import { file } from "../../archive/specimen.js";
import { json, makeImage } from "../image/saved.js";
import { openImageCache, pull } from "./cache.js";
import { type RegistryDouble, registryDouble, sendError } from "./double.js";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const image = makeImage([tar(file("a", "a")), tar(file("b", "b"))]);
const [config = "", , lower = ""] = image.blobs.keys();
const manifest = JSON.parse(String(image.blobs.get(image.manifest.digest))) as { config: object; layers: object[] };

const sendManifest = (registry: RegistryDouble, value: object, type = MANIFEST) =>
  registry.tag("latest", json(value), type);
const lacks = (registry: RegistryDouble, digest: string) => {
  registry.intercept = ({ url }, response) =>
    url?.endsWith(digest) === true && sendError(response, 404, "BLOB_UNKNOWN", "blob unknown");
};
/** Sends each request to a token server of this registry. */
const wantToken = (registry: RegistryDouble, realm: string, token?: object) => {
  registry.intercept = ({ url }, response) => {
    if (token && url?.startsWith("/token")) {
      response.end(JSON.stringify(token));
      return true;
    }
    if (url?.startsWith("/token")) return false;
    response.setHeader("www-authenticate", `Bearer realm="${realm}",service="s"`);
    return sendError(response, 401, "UNAUTHORIZED", "authentication required");
  };
};

/** An answer, and the code, the reason and a part of the text of its error. */
const odd: readonly (readonly [
  what: string,
  code: string,
  reason: string | undefined,
  text: RegExp,
  make: (registry: RegistryDouble) => void,
])[] = [
  [
    ...(["a page of a web server", "ENVIRONMENT_BUILD_FAILED", "media_type", /media type "text\/html"/] as const),
    (registry) => registry.tag("latest", Buffer.from("<html>"), "text/html; charset=utf-8"),
  ],
  [
    ...(["a manifest of schema 1", "ENVIRONMENT_BUILD_FAILED", "media_type", /manifest\.v1\+prettyjws/] as const),
    (registry) =>
      sendManifest(registry, { schemaVersion: 1 }, "application/vnd.docker.distribution.manifest.v1+prettyjws"),
  ],
  [
    ...(["a manifest that says it is another document", "ENVIRONMENT_BUILD_FAILED", "media_type", /artifact/] as const),
    (registry) => sendManifest(registry, { ...manifest, mediaType: "application/vnd.oci.artifact.manifest.v1+json" }),
  ],
  [
    ...(["a chart", "ENVIRONMENT_BUILD_FAILED", "media_type", /its configuration has .*helm/] as const),
    (registry) =>
      sendManifest(registry, {
        ...manifest,
        config: { ...manifest.config, mediaType: "application/vnd.cncf.helm.config.v1+json" },
      }),
  ],
  [
    ...(["an encrypted layer", "ENVIRONMENT_BUILD_FAILED", "media_type", /one of its layers has .*encrypted/] as const),
    (registry) =>
      sendManifest(registry, {
        ...manifest,
        layers: manifest.layers.map((layer) => ({
          ...layer,
          mediaType: "application/vnd.oci.image.layer.v1.tar+gzip+encrypted",
        })),
      }),
  ],
  [
    ...(["a manifest with a wrong field", "ENVIRONMENT_BUILD_FAILED", "invalid", /config\.size: .*>=0/] as const),
    (registry) => sendManifest(registry, { ...manifest, config: { ...manifest.config, size: -1 } }),
  ],
  [
    ...([
      "a manifest of another digest",
      "ENVIRONMENT_BUILD_FAILED",
      "digest",
      /manifest of .* another digest/,
    ] as const),
    (registry) => {
      registry.intercept = ({ url }, response) => {
        if (!url?.endsWith("/latest")) return false;
        response.writeHead(200, { "content-type": MANIFEST, "docker-content-digest": `sha256:${"0".repeat(64)}` });
        response.end(image.blobs.get(image.manifest.digest));
        return true;
      };
    },
  ],
  [
    ...([
      "a configuration that is missing",
      "ENVIRONMENT_BUILD_FAILED",
      "invalid",
      /lacks a part of .*sha256/,
    ] as const),
    (registry) => lacks(registry, config),
  ],
  [
    ...(["a layer that is missing", "ENVIRONMENT_BUILD_FAILED", "invalid", /lacks a part of .*sha256/] as const),
    (registry) => lacks(registry, lower),
  ],
  [
    ...(["a token server that fails", "REGISTRY_UNREACHABLE", "token", /token server .* status 404/] as const),
    (registry) => wantToken(registry, `http://${registry.host}/token`),
  ],
  [
    ...(["a token server that sends none", "REGISTRY_UNREACHABLE", "token", /sends no token/] as const),
    (registry) => wantToken(registry, `http://${registry.host}/token`, { token: "" }),
  ],
  [
    ...([
      "a token server that is a file",
      "REGISTRY_UNREACHABLE",
      "redirect",
      /leads to file:, which has no TLS/,
    ] as const),
    (registry) => wantToken(registry, "file:///etc/passwd"),
  ],
  [
    ...(["a whiteout of the parent", "ARCHIVE_PATH_ESCAPES", undefined, /it removes `\.\.`/] as const),
    (registry) => registry.push(makeImage([tar(file("a/b")), tar(file("a/.wh...", ""))])),
  ],
  [
    ...(["a whiteout of no name", "ARCHIVE_NAME_INVALID", undefined, /it removes no name/] as const),
    (registry) => registry.push(makeImage([tar(file("a/b")), tar(file("a/.wh..", ""))])),
  ],
];

for (const [what, code, reason, text, make] of odd) {
  test(`refused: ${what}; no layer is left`, async (context) => {
    const { directory, cache } = await openImageCache(context);
    const registry = await registryDouble(context);
    registry.push(image);
    make(registry);
    await assert.rejects(pull(cache, `${registry.host}/me/tool`), (error: PyroError) => {
      assert.deepEqual([error.code, error.details["reason"] === reason || !reason], [code, true], error.message);
      assert.match(error.message, text);
      return true;
    });
    const blobs = join(directory, "cache", "blobs");
    assert.deepEqual([readdirSync(join(directory, "cache", "tmp")), readdirSync(blobs)], [[], []]);
  });
}

test("a refused image leaves the layers that an installed one has", async (context) => {
  const { directory, cache } = await openImageCache(context);
  const registry = await registryDouble(context);
  registry.push(image);
  await pull(cache, `${registry.host}/me/tool`);
  registry.push(makeImage([...image.layers, tar(file("../x"))]), "bad");
  await assert.rejects(pull(cache, `${registry.host}/me/tool:bad`), { code: "ARCHIVE_PATH_ESCAPES" });
  const layers = [...image.blobs.keys()].slice(2).map((digest) => digest.slice("sha256:".length));
  assert.deepEqual(readdirSync(join(directory, "cache", "blobs")).toSorted(), layers.toSorted());
});

test("a media type that says nothing leaves the decision to the document", async (context) => {
  const { cache } = await openImageCache(context);
  const registry = await registryDouble(context);
  registry.push(image);
  registry.tag("latest", image.blobs.get(image.manifest.digest) ?? Buffer.alloc(0), "application/json");
  assert.equal((await pull(cache, `${registry.host}/me/tool`)).built, true);
});
