import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { tar } from "../../archive/raw-tar.js";
import { file } from "../../archive/specimen.js";

export const sha256 = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** An image of a test: its documents and blobs by digest. */
export interface MadeImage {
  readonly blobs: ReadonlyMap<string, Buffer>;
  readonly manifest: { readonly mediaType: string; readonly digest: string; readonly size: number };
  readonly config: Buffer;
  readonly layers: readonly Buffer[];
}

/** The documents of an image of these layers, which are uncompressed tars. */
export function makeImage(layers: readonly Buffer[], more: object = {}, platform: object = {}): MadeImage {
  const config = json({
    ...{ architecture: "amd64", os: "linux", ...platform },
    config: {
      Env: ["PATH=/bin", "GREETING=hello you ", "odd name=x"],
      WorkingDir: "/srv",
      User: "1000",
      Cmd: ["sh"],
      ...more,
    },
    rootfs: { type: "layers", diff_ids: layers.map(sha256) },
  });
  const stored = layers.map((layer) => gzipSync(layer));
  const describe = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: sha256(bytes), size: bytes.length });
  const manifest = json({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: describe("application/vnd.oci.image.config.v1+json", config),
    layers: stored.map((bytes) => describe("application/vnd.oci.image.layer.v1.tar+gzip", bytes)),
  });
  return {
    blobs: new Map([config, manifest, ...stored].map((bytes) => [sha256(bytes), bytes])),
    manifest: describe("application/vnd.oci.image.manifest.v1+json", manifest),
    config,
    layers,
  };
}

/** Writes a directory in the OCI layout; each image has the tag it is given under. */
export function writeLayout(directory: string, images: Readonly<Record<string, MadeImage>>): void {
  mkdirSync(join(directory, "blobs", "sha256"), { recursive: true });
  for (const { blobs } of Object.values(images))
    for (const [digest, bytes] of blobs) writeBlob(directory, digest, bytes);
  writeFileSync(join(directory, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
  const manifests = Object.entries(images).map(([tag, { manifest }]) => ({
    ...manifest,
    annotations: { "org.opencontainers.image.ref.name": tag },
  }));
  writeFileSync(join(directory, "index.json"), json({ schemaVersion: 2, manifests }));
}

export function writeBlob(directory: string, digest: string, bytes: Buffer): void {
  writeFileSync(join(directory, "blobs", digest.replace(":", "/")), bytes);
}

/** An archive like those of `docker save`. */
export function dockerArchive({ config, layers }: MadeImage, tags: readonly string[]): Buffer {
  const names = layers.map((_, index) => `layer-${index}/layer.tar`);
  const manifest = json([{ Config: "config.json", RepoTags: tags, Layers: names }]);
  const entry = (name: string, content: Buffer) => ({ ...file(name), content });
  return tar(
    ...layers.map((bytes, index) => entry(names[index] ?? "", bytes)),
    ...[entry("config.json", config), entry("manifest.json", manifest)],
  );
}
