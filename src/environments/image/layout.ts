import { join } from "node:path";

import { type Descriptor, indexSchema, isTag } from "./documents.js";
import { imageError } from "./failure.js";
import {
  type BlobStore,
  choosePlatform,
  type Image,
  MOST_DOCUMENT_BYTES,
  openImage,
  parseAs,
  parseDocument,
} from "./image.js";
import { type ByteStream, readAll, readFileBytes } from "./streams.js";

const REF_NAME = "org.opencontainers.image.ref.name";
const IMAGE_NAME = "io.containerd.image.name";

/** Opens the image of a directory in the OCI image layout: that of a tag, or the only one. */
export async function openLayout(directory: string, tag: string | null): Promise<Image> {
  const store: BlobStore = {
    open: ({ digest }) => {
      const [algorithm = "", hex = ""] = digest.split(":");
      return readExisting(join(directory, "blobs", algorithm, hex), `the blob ${digest}`);
    },
  };
  const index = await readAll(
    readExisting(join(directory, "index.json"), "an OCI image"),
    MOST_DOCUMENT_BYTES,
    "The index",
  );
  return openImage(
    store,
    chooseTag(parseAs(indexSchema, parseDocument(index, "The index"), "The index").manifests, tag),
  );
}

/** Without a tag, a layout of several platforms is one image. */
function chooseTag(manifests: readonly Descriptor[], tag: string | null): Descriptor {
  const names = (one: Descriptor) => [REF_NAME, IMAGE_NAME].flatMap((key) => one.annotations?.[key] ?? []);
  const tags = [...new Set(manifests.flatMap(names))];
  if (tag !== null) {
    const tagged = manifests.filter((one) => names(one).some((name) => isTag(name, tag)));
    if (tagged.length > 0) return chooseOne(tagged);
  } else if (tags.length <= 1) return chooseOne(manifests);
  const what =
    tag === null ? "The directory has several images." : `The directory has no image ${JSON.stringify(tag)}.`;
  throw imageError("not_found", what, { tags });
}

/** The configuration of the only candidate names its platform. */
function chooseOne(candidates: readonly Descriptor[]): Descriptor {
  const [only, ...others] = candidates;
  return only && others.length === 0 ? only : choosePlatform(candidates);
}

/** A file's bytes; a missing file is not a failure of the host. */
export async function* readExisting(path: string, what: string): ByteStream & AsyncGenerator<Uint8Array> {
  try {
    yield* readFileBytes(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code === "ENOENT" || code === "ENOTDIR")
      throw imageError("not_found", `There is no ${path}: ${what} is missing.`, { path }, error);
    if (code === "EACCES" || code === "ELOOP" || code === "ENXIO")
      throw imageError("unreadable", `${path} cannot be read: ${code}.`, { path }, error);
    throw error;
  }
}
