import { createHash } from "node:crypto";
import type { Readable } from "node:stream";

import { PyroError } from "../../contract/errors.js";
import { assertFreeSpace } from "../../host/disk.js";
import { JoinedController } from "../../host/joined-controller.js";
import type { WebResponse } from "../../host/web.js";
import type { Descriptor } from "../image/documents.js";
import { imageError } from "../image/failure.js";
import { type Image, MOST_DOCUMENT_BYTES, openImage } from "../image/image.js";
import { isManifest } from "../image/media-types.js";
import { type ByteStream, readAll, readFileBytes, verified } from "../image/streams.js";
import type { BuildOptions, RegistryAccess } from "../source.js";
import type { BlobCache } from "./blobs.js";
import { connectionError } from "./failure.js";
import { fetchAll } from "./fetch-all.js";
import { type RegistryReference, renderReference } from "./reference.js";
import { RegistrySession } from "./session.js";

/** An image of a registry whose layers are on this disk. */
export interface FetchedImage extends Image {
  /** The digest that the reference names: of a manifest or an index. */
  readonly digest: string;
  /**
   * Ends the use of the layers. After a failure, removes those that were damaged on this disk, so that the next pull fetches them
   * again, and all layers of an image that was refused.
   */
  release(failure?: unknown): Promise<void>;
}

export interface RegistryOptions extends RegistryAccess {
  readonly directory: string;
}

const RESERVE_MIB = 64;
/** How long a registry may take for the documents of an image, which are small. */
const DOCUMENTS_MS = 120_000;
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
  { blobs, plainHttp, directory, neededLayers }: RegistryOptions,
  { signal, onProgress }: Pick<BuildOptions, "signal" | "onProgress">,
): Promise<FetchedImage> {
  const session = await RegistrySession.open(reference, { plainHttp, signal, variables: process.env });
  try {
    const { image, digest: found } = await readDocuments(session, signal);
    const digests = [...new Set(image.layers.map(({ name }) => name))];
    const free = blobs.use(digests);
    const release = async (failure?: unknown) => {
      free();
      if (failure === undefined || signal.aborted) return;
      await blobs.discardDamaged(digests);
      if (isRefusal(failure)) await blobs.discard(digests, await neededLayers());
    };
    try {
      await assertRoom(image, blobs, directory);
      const sources = digests.map((digest) => blobSource(session, image, digest));
      const paths = await fetchAll(blobs, sources, { signal, onProgress });
      return {
        ...image,
        digest: found,
        release,
        layers: image.layers.map((layer) => fromDisk(layer, paths)),
      };
    } catch (error) {
      await release(error);
      throw error;
    }
  } finally {
    session.close();
  }
}

/** Whether another pull of the same bytes would fail again. */
function isRefusal(error: unknown): boolean {
  return error instanceof PyroError && /^(ENVIRONMENT_BUILD_FAILED|ARCHIVE_)/.test(error.code);
}

/** The image that the reference names, with the digest of its manifest or index. */
async function readDocuments(session: RegistrySession, signal: AbortSignal): Promise<{ image: Image; digest: string }> {
  using patience = new JoinedController([signal], DOCUMENTS_MS);
  try {
    const top = await readTop(session, patience.signal);
    const store = {
      open: ({ digest, mediaType }: Pick<Descriptor, "digest" | "mediaType">): ByteStream => {
        if (digest === top.descriptor.digest) return only(top.bytes);
        return readPart(session, `${isManifest(mediaType) ? "manifests" : "blobs"}/${digest}`, patience.signal);
      },
    };
    return { image: await openImage(store, top.descriptor), digest: top.descriptor.digest };
  } catch (error) {
    signal.throwIfAborted();
    if (!patience.signal.aborted) throw error;
    const { registry } = session.reference;
    throw connectionError(registry, registry, new Error(`it took more than ${DOCUMENTS_MS / 1000} s for a manifest`));
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
    return digestIn(headers) ?? (await readTop(session, signal)).descriptor.digest;
  } finally {
    session.close();
  }
}

/** The digest of the manifest or index that an answer is about, as the registry says it. */
function digestIn(headers: WebResponse["headers"]): string | null {
  const digest = headers["docker-content-digest"];
  return typeof digest === "string" && /^sha256:[0-9a-f]{64}$/.test(digest) ? digest : null;
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
  const expected = wanted ?? digestIn(headers) ?? digest;
  if (digest !== expected) {
    const image = renderReference(session.reference);
    throw imageError("digest", `The registry's manifest of ${image} has another digest.`, { expected, found: digest });
  }
  const mediaType = headers["content-type"]?.split(";")[0]?.trim();
  return { descriptor: { digest, size: bytes.length, ...(mediaType !== undefined && { mediaType }) }, bytes };
}

/** A manifest or a configuration. */
async function* readPart(session: RegistrySession, path: string, signal: AbortSignal): ByteStream {
  const { body } = await session.request({ path, headers: { accept: ACCEPT }, signal });
  yield* bodyOf(session, body);
}

function blobSource(session: RegistrySession, { layers }: Image, digest: string) {
  const sizeBytes = layers.find(({ name }) => name === digest)?.sizeBytes ?? 0;
  const open = async (offset: number, signal: AbortSignal) => {
    const range: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
    let response = await session.request({ path: `blobs/${digest}`, headers: range, signal }, [416]);
    const isResumed =
      response.status === 206 && response.headers["content-range"]?.startsWith(`bytes ${offset}-`) === true;
    // Another range than the one that was asked for is of no use.
    if (response.status !== 200 && !isResumed) {
      response.body.destroy();
      response = await session.request({ path: `blobs/${digest}`, signal });
    }
    return { offset: isResumed ? offset : 0, bytes: bodyOf(session, response.body) };
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
  if (neededMib > 0) await assertFreeSpace(directory, neededMib + RESERVE_MIB, "The image");
}
