import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { BlockWriter } from "../../src/environments/image/block-writer.js";
import { finishExt4 } from "../../src/environments/image/ext4.js";
import { FIRST_CONTENT_BLOCK, MOST_IMAGE_BLOCKS } from "../../src/environments/image/ext4-layout.js";
import { applyLayer } from "../../src/environments/image/layer.js";
import { decompressed } from "../../src/environments/image/streams.js";
import { ImageTree } from "../../src/environments/image/tree.js";
import { BlobCache } from "../../src/environments/registry/blobs.js";
import { fetchRegistryImage } from "../../src/environments/registry/open.js";
import { parseRegistryReference } from "../../src/environments/registry/reference.js";
import { checkFileSystem } from "../environments/image/files.js";
import { json, type MadeImage, makeImage, writeLayout } from "../environments/image/saved.js";
import { busybox, debian, compressed, links, manyLayers, tricks } from "./images.js";
import { layoutOf, pushImage } from "./push.js";
import { type Registry, startRegistry } from "./registry.js";
import { listDirectory, listTree } from "./trees.js";

/** `make test-images`: images of a real registry, compared with what umoci unpacks. Needs root, for owners and devices. */
const scratch = mkdtempSync(join(tmpdir(), "pyro-images-"));
const signal = new AbortController().signal;
let registry: Registry;

const skopeo = (...args: string[]) =>
  execFileSync("skopeo", ["--insecure-policy", ...args], { stdio: ["ignore", "ignore", "inherit"] });

before(async () => {
  assert.equal(process.getuid?.(), 0, "umoci keeps owners only for root");
  registry = await startRegistry(join(scratch, "registry"), {});
});
after(() => {
  registry.end();
  rmSync(scratch, { recursive: true, force: true });
});

/** Pushes an image with flags of skopeo. */
function push(name: string, image: MadeImage, flags: readonly string[] = [], host = registry.host): void {
  pushImage(scratch, image, `${host}/${name}`, flags);
}

/** The entries of an image as pyro applies them, after the file system was checked. */
async function pulled(name: string, host = registry.host, plainHttp = true) {
  const reference = parseRegistryReference(`${host}/${name}`);
  assert.ok(reference);
  const blobs = new BlobCache(join(scratch, "blobs"));
  const image = await fetchRegistryImage(
    reference,
    { blobs, plainHttp, directory: scratch, neededLayers: async () => new Set<string>() },
    { signal, onProgress: () => {} },
  );
  const path = join(scratch, `${name.replaceAll(/\W/g, "-")}.img`);
  const blocks = await BlockWriter.create(path, FIRST_CONTENT_BLOCK, MOST_IMAGE_BLOCKS);
  const files = { tree: new ImageTree(), blocks };
  for (const [number, layer] of image.layers.entries())
    await applyLayer(files, decompressed(layer.open()), { number, whiteouts: true, signal });
  const listing = await listTree(files);
  await finishExt4(files.tree, blocks);
  checkFileSystem(path);
  rmSync(path);
  return listing;
}

/** The entries of the same image as umoci unpacks it. */
function unpacked(name: string, tag = "latest") {
  const layout = join(scratch, "copies", name);
  mkdirSync(join(scratch, "copies"), { recursive: true });
  // umoci reads no manifests of Docker; skopeo converts them.
  skopeo(
    "copy",
    "--src-tls-verify=false",
    "--dest-decompress",
    `docker://${registry.host}/${name}:${tag}`,
    `oci:${layout}:latest`,
  );
  return unpackedFrom(layout, name);
}

function unpackedFrom(layout: string, name: string) {
  const bundle = join(scratch, "bundles", name);
  mkdirSync(join(scratch, "bundles"), { recursive: true });
  execFileSync("umoci", ["unpack", "--image", `${layout}:latest`, bundle], { stdio: ["ignore", "ignore", "pipe"] });
  const listing = listDirectory(join(bundle, "rootfs"));
  rmSync(bundle, { recursive: true, force: true });
  return listing;
}

const plain = ["--dest-tls-verify=false"];
const images: readonly (readonly [name: string, make: () => MadeImage, flags: readonly string[]])[] = [
  ["busybox", busybox, plain],
  ["tricks", tricks, plain],
  ["links", links, plain],
  ["sixty-layers", manyLayers, plain],
  ["schema2", tricks, [...plain, "--format", "v2s2"]],
  ["debian", () => debian(scratch), plain],
  ["zstd", compressed, [...plain, "--dest-compress-format", "zstd"]],
];

for (const [name, make, flags] of images) {
  test(`${name}: the entries are those of umoci`, async () => {
    push(name, make(), flags);
    // umoci reads no zstd: it gets the image that skopeo has compressed so.
    const [ours, theirs] = [
      await pulled(name),
      name === "zstd" ? unpackedFrom(layoutOf(scratch, `${registry.host}/${name}`), name) : unpacked(name),
    ];
    assert.ok(ours.length >= 8);
    assert.deepEqual(ours, theirs);
    console.log(`# ${name}: ${ours.length} entries`);
  });
}

test("of an index of three platforms, that of linux/amd64 is pulled", async () => {
  const layers = tricks().layers;
  const made = ["arm64", "amd64", "s390x"].map((architecture, index) => ({
    architecture,
    image: makeImage(layers.slice(0, index + 1), {}, { architecture }),
  }));
  const layout = join(scratch, "layouts", "index");
  writeLayout(layout, Object.fromEntries(made.map(({ architecture, image }) => [architecture, image])));
  const manifests = made.map(({ architecture, image }) => ({
    ...image.manifest,
    platform: { architecture, os: "linux" },
  }));
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const index = json({ schemaVersion: 2, mediaType, manifests });
  const { sha256 } = await import("../environments/image/saved.js");
  writeFileSync(join(layout, "blobs", sha256(index).replace(":", "/")), index);
  const entry = { mediaType, digest: sha256(index), size: index.length };
  const annotations = { "org.opencontainers.image.ref.name": "latest" };
  writeFileSync(join(layout, "index.json"), json({ schemaVersion: 2, manifests: [{ ...entry, annotations }] }));
  skopeo("copy", "--all", ...plain, `oci:${layout}:latest`, `docker://${registry.host}/index`);
  assert.deepEqual(await pulled("index"), unpacked("index"));
});

test("a registry with a password and TLS: the login of Docker, and the authority of the test", async () => {
  const folder = join(scratch, "secured");
  const secured = await startRegistry(folder, { withPassword: true, withTls: true });
  try {
    push("tricks", tricks(), ["--dest-cert-dir", makeCertificates(folder), "--dest-creds", "me:secret"], secured.host);
    await assert.rejects(pulled("tricks", secured.host, false), { code: "REGISTRY_UNREACHABLE" });
    process.env["SSL_CERT_FILE"] = join(folder, "ca.crt");
    await assert.rejects(pulled("tricks", secured.host, false), { code: "REGISTRY_DENIED" });
    process.env["DOCKER_CONFIG"] = folder;
    const login = (text: string) =>
      writeFileSync(
        join(folder, "config.json"),
        json({ auths: { [secured.host]: { auth: Buffer.from(text).toString("base64") } } }),
      );
    login("me:wrong");
    await assert.rejects(pulled("tricks", secured.host, false), { code: "REGISTRY_DENIED" });
    login("me:secret");
    assert.ok((await pulled("tricks", secured.host, false)).length > 20);
  } finally {
    secured.end();
  }
});

/** A folder of certificates as skopeo reads it. */
function makeCertificates(folder: string): string {
  const certificates = join(folder, "certificates");
  mkdirSync(certificates);
  execFileSync("cp", [join(folder, "ca.crt"), certificates]);
  return certificates;
}
