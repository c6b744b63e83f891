import type { z } from "zod";

import type { ImageConfig } from "../manifest.js";
import { configOf, configSchema, type Descriptor, indexSchema, manifestSchema } from "./documents.js";
import { imageError } from "./failure.js";
import { assertImageParts, assertManifest, isIndex } from "./media-types.js";
import { type ByteStream, readAll, verified } from "./streams.js";

/** A container image, ready to be read. */
export interface Image {
  readonly config: ImageConfig;
  /** From the lowest to the highest. */
  readonly layers: readonly Layer[];
}

export interface Layer {
  /** The layer's name in the image's manifest. */
  readonly name: string;
  readonly sizeBytes: number;
  /** The digest of its content without compression. */
  readonly diffId: string;
  /** Its bytes as stored; throws at their end when the digest is wrong. */
  open(): ByteStream;
}

/** The blobs of an image. */
export interface BlobStore {
  /** The bytes as stored, not verified. Throws `not_found` when they are missing. */
  open(descriptor: Pick<Descriptor, "digest" | "size" | "mediaType">): ByteStream;
}

/** The most bytes of a manifest, index or configuration; real ones are far smaller. */
export const MOST_DOCUMENT_BYTES = 4_194_304;
const MOST_INDEXES = 4;

/** The image for linux/amd64 that a descriptor names, through indexes of platforms. */
export async function openImage(store: BlobStore, descriptor: Descriptor): Promise<Image> {
  let at = descriptor;
  for (let depth = 0; ; depth += 1) {
    assertManifest(at.mediaType);
    const document = await readDocument(store, at, "The manifest");
    const own = "mediaType" in document && typeof document.mediaType === "string" ? document.mediaType : undefined;
    assertManifest(own);
    const index = "manifests" in document || isIndex(at.mediaType);
    if (!index) return openManifest(store, parseAs(manifestSchema, document, "The manifest"), at.digest);
    if (depth === MOST_INDEXES) throw imageError("invalid", "The image's indexes are nested too deeply.");
    at = choosePlatform(parseAs(indexSchema, document, "The index").manifests);
  }
}

async function openManifest(
  store: BlobStore,
  { config, layers }: z.infer<typeof manifestSchema>,
  digest: string,
): Promise<Image> {
  assertImageParts(config, layers);
  const document = parseImageConfig(await readDocument(store, config, "The configuration"), layers.length);
  return {
    config: configOf(document, digest),
    layers: layers.map((layer, index) => ({
      name: layer.digest,
      sizeBytes: layer.size,
      diffId: document.rootfs.diff_ids[index] ?? "",
      open: () => verified(store.open(layer), layer.digest, `The layer ${layer.digest}`),
    })),
  };
}

/** The configuration of an image for linux/amd64 with this many layers. */
export function parseImageConfig(value: unknown, layerCount: number): z.infer<typeof configSchema> {
  const document = parseAs(configSchema, value, "The configuration");
  const { architecture, os, rootfs } = document;
  if (os !== "linux" || architecture !== "amd64")
    throw imageError("platform", `The image is for ${os}/${architecture}.`, { os, architecture });
  if (rootfs.diff_ids.length !== layerCount)
    throw imageError("invalid", `The image has ${layerCount} layers, and its configuration ${rootfs.diff_ids.length}.`);
  return document;
}

/** The first one for linux/amd64, or the only one when it has no platform. */
export function choosePlatform(manifests: readonly Descriptor[]): Descriptor {
  const [first] = manifests;
  if (manifests.length === 1 && first !== undefined && !first.platform) return first;
  const fitting = manifests.find(({ platform }) => platform?.os === "linux" && platform.architecture === "amd64");
  if (fitting) return fitting;
  const platforms = manifests.map(({ platform }) => (platform ? `${platform.os}/${platform.architecture}` : "unknown"));
  throw imageError("platform", `The image has no part for linux/amd64; it has: ${platforms.join(", ") || "none"}.`, {
    platforms,
  });
}

async function readDocument(store: BlobStore, descriptor: Descriptor, what: string): Promise<object> {
  const bytes = await readAll(verified(store.open(descriptor), descriptor.digest, what), MOST_DOCUMENT_BYTES, what);
  return parseDocument(bytes, what);
}

export function parseDocument(bytes: Buffer, what: string): object {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Reported by the caller, below.
  }
  throw imageError("invalid", `${what} of the image is not a JSON object.`);
}

export function parseAs<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.infer<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .slice(0, 5)
    .map(({ path, message }) => [path.join("."), message].filter((word) => word !== "").join(": "));
  throw imageError("invalid", `${what} of the image is invalid: ${problems[0]}.`, { problems });
}
