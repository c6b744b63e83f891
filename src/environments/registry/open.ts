import { createHash } from "node:crypto";
import type { Readable } from "node:stream";

import { PyroError } from "../../contract/errors.js";
import { assertFreeSpace } from "../../host/disk.js";
import type { Descriptor } from "../image/documents.js";
import { imageError } from "../image/failure.js";
import { type Image, MOST_DOCUMENT_BYTES, openImage } from "../image/image.js";
import { type ByteStream, readAll, readFileBytes, verified } from "../image/streams.js";
import type { BuildOptions } from "../source.js";
import type { BlobCache } from "./blobs.js";
import { connectionError } from "./failure.js";
import { fetchAll } from "./fetch-all.js";
import { type RegistryReference, renderReference } from "./reference.js";
import { RegistrySession } from "./session.js";

/** An image of a registry whose layers are on this disk. */
export interface FetchedImage extends Image {
  /** The digest that the reference names: of a manifest or an index. */
  readonly digest: string;
  /** Allows the layers to be removed. */
  release(): void;
  /** Removes the layers that were damaged on this disk, so that the next pull fetches them again. */
  discardDamaged(): Promise<void>;
}

/** How the client talks to a registry. */
export interface RegistryOptions {
  readonly blobs: BlobCache;
  readonly plainHttp: boolean;
  readonly directory: string;
}

const RESERVE_MIB = 64;
const MANIFEST =
  /(image\.manifest\.v1|image\.index\.v1|distribution\.manifest\.v2|distribution\.manifest\.list\.v2)\+json$/;
const ACCEPT = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** Finds an image in its registry and fetches its missing layers. */
export async function fetchRegistryImage(
  reference: RegistryReference,
  options: RegistryOptions,
  listener: Pick<BuildOptions, "signal" | "onProgress">,
): Promise<FetchedImage> {
  try {
    return await fetchImage(reference, options, listener);
  } catch (error) {
    // A connection that a cancel ended is not a failure of the registry.
    listener.signal.throwIfAborted();
    throw error;
  }
}

async function fetchImage(
  reference: RegistryReference,
  { blobs, plainHttp, directory }: RegistryOptions,
  { signal, onProgress }: Pick<BuildOptions, "signal" | "onProgress">,
): Promise<FetchedImage> {
  const session = await RegistrySession.open(reference, { plainHttp, signal, variables: process.env });
  try {
    const top = await readTop(session, signal);
    const fetched = async function* (digest: string): ByteStream {
      const response = await session.request({ path: `blobs/${digest}`, signal });
      yield* bodyOf(session, response.body);
    };
    const store = {
      open: ({ digest, mediaType }: Pick<Descriptor, "digest" | "mediaType">): ByteStream => {
        if (digest === top.descriptor.digest) return only(top.bytes);
        return MANIFEST.test(mediaType ?? "") ? readManifest(session, digest, signal) : fetched(digest);
      },
    };
    const image = await openImage(store, top.descriptor);
    const digests = [...new Set(image.layers.map(({ name }) => name))];
    const release = blobs.use(digests);
    try {
      await assertRoom(image, blobs, directory);
      const sources = digests.map((digest) => blobSource(session, image, digest));
      const paths = await fetchAll(blobs, sources, { signal, onProgress });
      return {
        ...image,
        digest: top.descriptor.digest,
        release,
        discardDamaged: () => blobs.discardDamaged(digests),
        layers: image.layers.map((layer) => fromDisk(layer, paths)),
      };
    } catch (error) {
      release();
      throw error;
    }
  } finally {
    session.close();
  }
}

/** The digest that a tag has in its registry now. */
export async function askDigest(
  reference: RegistryReference,
  plainHttp: boolean,
  signal: AbortSignal,
): Promise<string> {
  const session = await RegistrySession.open(reference, { plainHttp, signal, variables: process.env });
  try {
    const path = `manifests/${reference.digest ?? reference.tag ?? "latest"}`;
    const { headers, body } = await session.request({ path, method: "HEAD", headers: { accept: ACCEPT }, signal });
    body.resume();
    const digest = headers["docker-content-digest"];
    if (typeof digest === "string" && /^sha256:[0-9a-f]{64}$/.test(digest)) return digest;
    return (await readTop(session, signal)).descriptor.digest;
  } finally {
    session.close();
  }
}

/** The manifest or index that the reference names. Its digest is checked when the reference has one. */
async function readTop(
  session: RegistrySession,
  signal: AbortSignal,
): Promise<{ descriptor: Descriptor; bytes: Buffer }> {
  const { digest: wanted, tag } = session.reference;
  const path = `manifests/${wanted ?? tag ?? "latest"}`;
  const { headers, body } = await session.request({ path, headers: { accept: ACCEPT }, signal });
  const bytes = await readAll(bodyOf(session, body), MOST_DOCUMENT_BYTES, "The manifest");
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  if (wanted !== null && digest !== wanted) {
    const image = renderReference(session.reference);
    throw imageError("digest", `The registry's manifest of ${image} has another digest.`, {
      expected: wanted,
      found: digest,
    });
  }
  const mediaType = headers["content-type"]?.split(";")[0];
  return { descriptor: { digest, size: bytes.length, ...(mediaType !== undefined && { mediaType }) }, bytes };
}

async function* readManifest(session: RegistrySession, digest: string, signal: AbortSignal): ByteStream {
  const { body } = await session.request({ path: `manifests/${digest}`, headers: { accept: ACCEPT }, signal });
  yield* bodyOf(session, body);
}

function blobSource(session: RegistrySession, { layers }: Image, digest: string) {
  const sizeBytes = layers.find(({ name }) => name === digest)?.sizeBytes ?? 0;
  const open = async (offset: number, signal: AbortSignal) => {
    const range: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
    let response = await session.request({ path: `blobs/${digest}`, headers: range, signal }, [416]);
    if (response.status === 416) {
      response.body.resume();
      response = await session.request({ path: `blobs/${digest}`, signal });
    }
    const resumed =
      response.status === 206 && response.headers["content-range"]?.startsWith(`bytes ${offset}-`) === true;
    if (response.status === 206 && !resumed) throw await session.refused(response);
    return { offset: resumed ? offset : 0, bytes: bodyOf(session, response.body) };
  };
  return { digest, sizeBytes, open };
}

/** The bytes of an answer; a connection that breaks is a failure of the registry. */
async function* bodyOf({ reference: { registry } }: RegistrySession, body: Readable): ByteStream {
  try {
    yield* body as AsyncIterable<Buffer>;
  } catch (error) {
    throw error instanceof PyroError ? error : connectionError(registry, registry, error);
  } finally {
    body.destroy();
  }
}

async function* only(bytes: Buffer): ByteStream {
  yield bytes;
}

function fromDisk(layer: Image["layers"][number], paths: ReadonlyMap<string, string>): Image["layers"][number] {
  const open = () => verified(readFileBytes(paths.get(layer.name) ?? ""), layer.name, `The layer ${layer.name}`);
  return { ...layer, open };
}

async function assertRoom({ layers }: Image, blobs: BlobCache, directory: string): Promise<void> {
  const missing = await Promise.all(
    layers.map(async ({ name, sizeBytes }) => Math.max(0, sizeBytes - (await blobs.presentBytes(name)))),
  );
  const neededMib = Math.ceil(missing.reduce((sum, bytes) => sum + bytes, 0) / 1_048_576);
  if (neededMib > 0) await assertFreeSpace(directory, neededMib + RESERVE_MIB, "The image's layers");
}
