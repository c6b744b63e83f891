// Writes layers and a configuration as an OCI image archive, which docker, podman, skopeo and containerd read. The bytes depend on the
// input alone.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

/** A directory as a tar file whose bytes depend on its content: names in order, one owner, one time. `exclude` has paths below it. */
export function tarDirectory(directory, file, epoch, { exclude = [] } = {}) {
  const fixed = ["--sort=name", `--mtime=@${epoch}`, "--owner=0", "--group=0", "--numeric-owner", "--format=posix"];
  const names = ["--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime"];
  const excluded = exclude.map((path) => `--exclude=./${path}`);
  execFileSync("tar", ["-C", directory, ...fixed, ...names, ...excluded, "-cf", file, "."], { stdio: "inherit" });
}

/** Writes the archive of an image, and returns its digest and sizes. `layers` are tar files; `config` is an OCI configuration without its layers. */
export async function writeImage({ layers, config, reference, epoch, work, file }) {
  const root = join(work, "oci");
  const blobs = join(root, "blobs", "sha256");
  rmSync(root, { recursive: true, force: true });
  mkdirSync(blobs, { recursive: true });
  const written = [];
  for (const { path, comment } of layers) written.push({ comment, ...(await addLayer(blobs, path)) });
  const created = new Date(epoch * 1000).toISOString().replace(".000", "");
  const configuration = addBlob(blobs, CONFIG, {
    created,
    ...config,
    rootfs: { type: "layers", diff_ids: written.map(({ diffId }) => diffId) },
    history: written.map(({ comment }) => ({ created, created_by: comment })),
  });
  const manifest = addBlob(blobs, MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: configuration,
    layers: written.map(({ descriptor }) => descriptor),
  });
  const annotations = {
    "io.containerd.image.name": reference,
    "org.opencontainers.image.ref.name": reference.slice(reference.lastIndexOf(":") + 1),
  };
  const index = { schemaVersion: 2, mediaType: INDEX, manifests: [{ ...manifest, annotations }] };
  writeFileSync(join(root, "index.json"), JSON.stringify(index));
  writeFileSync(join(root, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  tarDirectory(root, file, epoch);
  const compressed = written.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  return {
    digest: manifest.digest,
    compressed,
    unpacked: written.reduce((sum, { size }) => sum + size, 0),
    layers: written,
  };
}

function addBlob(blobs, mediaType, content) {
  const bytes = Buffer.from(JSON.stringify(content));
  const digest = createHash("sha256").update(bytes).digest("hex");
  writeFileSync(join(blobs, digest), bytes);
  return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
}

async function addLayer(blobs, path) {
  const plain = createHash("sha256");
  const packed = createHash("sha256");
  const draft = join(blobs, "draft");
  await pipeline(
    createReadStream(path),
    digestWith(plain),
    createGzip({ level: 6 }),
    digestWith(packed),
    createWriteStream(draft),
  );
  const digest = packed.digest("hex");
  renameSync(draft, join(blobs, digest));
  const { size } = statSync(join(blobs, digest));
  return {
    diffId: `sha256:${plain.digest("hex")}`,
    size: statSync(path).size,
    descriptor: { mediaType: LAYER, digest: `sha256:${digest}`, size },
  };
}

function digestWith(hash) {
  return new Transform({
    transform(chunk, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
}
