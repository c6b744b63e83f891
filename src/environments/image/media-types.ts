import type { Descriptor } from "./documents.js";
import { imageError } from "./failure.js";

const INDEX = /^application\/vnd\.(oci\.image\.index\.v1|docker\.distribution\.manifest\.list\.v2)\+json$/;
const MANIFEST = /^application\/vnd\.(oci\.image\.manifest\.v1|docker\.distribution\.manifest\.v2)\+json$/;
const CONFIG = /^application\/vnd\.(oci\.image\.config|docker\.container\.image)\.v1\+json$/;
const LAYER =
  /^application\/vnd\.(oci\.image\.layer\.(nondistributable\.)?v1\.tar(\+(gzip|zstd))?|docker\.image\.rootfs\.(foreign\.)?diff\.tar([.+](gzip|zstd))?)$/;
/** The types of servers that know no other: the document or its content decides. */
const UNSPECIFIC = new Set([undefined, "", "application/json", "text/plain", "application/octet-stream"]);

export function isIndex(mediaType: string | undefined): boolean {
  return INDEX.test(mediaType ?? "");
}

/** Whether a descriptor names a document of a registry's manifests, rather than a blob. */
export function isManifest(mediaType: string | undefined): boolean {
  return isIndex(mediaType) || MANIFEST.test(mediaType ?? "");
}

/** Throws `media_type` for a document that is neither an index nor a manifest, such as one of Docker's schema 1. */
export function assertManifest(mediaType: string | undefined): void {
  if (!UNSPECIFIC.has(mediaType) && !isManifest(mediaType)) refuse("its manifest", mediaType);
}

/** Throws `media_type` for the manifest of another thing than an image: a chart, a signature, an encrypted layer. */
export function assertImageParts(config: Descriptor, layers: readonly Descriptor[]): void {
  if (!UNSPECIFIC.has(config.mediaType) && !CONFIG.test(config.mediaType ?? ""))
    refuse("its configuration", config.mediaType);
  const odd = layers.find(({ mediaType }) => !UNSPECIFIC.has(mediaType) && !LAYER.test(mediaType ?? ""));
  if (odd) refuse("one of its layers", odd.mediaType);
}

function refuse(part: string, mediaType = ""): never {
  const shown = JSON.stringify(mediaType.slice(0, 200));
  throw imageError("media_type", `pyro cannot read this image: ${part} has the media type ${shown}.`, {
    media_type: mediaType.slice(0, 200),
  });
}
