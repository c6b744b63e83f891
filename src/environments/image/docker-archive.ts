import { createHash } from "node:crypto";
import { dirname, posix } from "node:path";

import { ByteReader } from "../../archive/bytes.js";
import { isGzip } from "../../archive/gunzip.js";
import { MemberReader } from "../../archive/members.js";
import { open } from "../../host/files.js";
import { archiveSchema, configOf, isTag } from "./documents.js";
import { imageError } from "./failure.js";
import { type Image, MOST_DOCUMENT_BYTES, parseAs, parseDocument, parseImageConfig } from "./image.js";
import { readExisting } from "./layout.js";
import { type ByteStream, decompressed, limited, readAll, readFileBytes, whileRoom } from "./streams.js";

/** The position of a file in the archive, or the name that the file links to. */
type Place = { readonly start: number; readonly sizeBytes: number } | { readonly link: string };

const MOST_FILES = 10_000;
const MOST_NAME_BYTES = 4095;
/** The most bytes of an archive, after decompression. */
const MOST_ARCHIVE_BYTES = 64 * 2 ** 30;

/** Opens the image of an archive that `docker save` wrote: that of a tag, or the only one. `spare` is a path for a copy without gzip. */
export async function openDockerArchive(
  path: string,
  tag: string | null,
  { spare, signal }: { readonly spare: string; readonly signal: AbortSignal },
): Promise<Image> {
  const plain = await decompressInto(path, spare, signal);
  return openPlainArchive((start, sizeBytes) => readFileBytes(plain, start, sizeBytes), tag, signal);
}

/** The same for an archive without gzip. `readPart` reads that many of its bytes from an offset on; without both, all of them. */
export async function openPlainArchive(
  readPart: (start?: number, sizeBytes?: number) => ByteStream,
  tag: string | null,
  signal: AbortSignal,
): Promise<Image> {
  const places = await indexArchive(readPart(), signal);
  const read = (name: string): ByteStream => {
    const place = find(places, name);
    return readPart(place.start, place.sizeBytes);
  };
  const document = async (name: string, what: string) => {
    const bytes = await readAll(read(name), MOST_DOCUMENT_BYTES, what);
    return { bytes, value: parseDocument(bytes, what) };
  };
  const images = parseAs(archiveSchema, (await document("manifest.json", "The manifest")).value, "The manifest");
  const chosen = chooseImage(images, tag);
  const { bytes, value } = await document(chosen.Config, "The configuration");
  const config = parseImageConfig(value, chosen.Layers.length);
  return {
    config: configOf(config, `sha256:${createHash("sha256").update(bytes).digest("hex")}`),
    layers: chosen.Layers.map((name, index) => ({
      name,
      sizeBytes: find(places, name).sizeBytes,
      diffId: config.rootfs.diff_ids[index] ?? "",
      open: () => read(name),
    })),
  };
}

type Listed = ReturnType<(typeof archiveSchema)["parse"]>[number];

function chooseImage(images: readonly Listed[], tag: string | null): Listed {
  const chosen =
    tag === null
      ? images.slice(0, images.length === 1 ? 1 : 0)
      : images.filter(({ RepoTags }) => RepoTags?.some((name) => isTag(name, tag)));
  if (chosen[0]) return chosen[0];
  const what = tag === null ? "The archive has several images." : `The archive has no image ${JSON.stringify(tag)}.`;
  throw imageError("not_found", what, { tags: images.flatMap(({ RepoTags }) => RepoTags ?? []) });
}

/** Files are read by their position in the archive, so a compressed archive needs a plain copy. */
async function decompressInto(path: string, spare: string, signal: AbortSignal): Promise<string> {
  const head = readExisting(path, "the archive");
  const { value: start } = await head.next();
  await head.return(undefined);
  if (start === undefined || !isGzip(Buffer.from(start))) return path;
  const file = await open(spare, "wx", 0o600);
  try {
    const content = limited(decompressed(readFileBytes(path)), MOST_ARCHIVE_BYTES, "The archive", signal);
    for await (const piece of whileRoom(content, dirname(spare), "A copy of the archive")) await file.writeFile(piece);
  } finally {
    await file.close();
  }
  return spare;
}

async function indexArchive(content: ByteStream, signal: AbortSignal): Promise<ReadonlyMap<string, Place>> {
  const places = new Map<string, Place>();
  const input = new ByteReader(limited(content, MOST_ARCHIVE_BYTES, "The archive", signal));
  const reader = new MemberReader(input);
  try {
    for (let member = await reader.next(); member !== null; member = await reader.next()) {
      if (Math.max(member.name.length, member.link.length) > MOST_NAME_BYTES)
        throw imageError("invalid", `The archive has a name of more than ${MOST_NAME_BYTES} bytes.`);
      const name = posix.normalize(member.name.toString("utf8"));
      if (["0", "\0"].includes(member.type)) places.set(name, { start: input.position, sizeBytes: member.storedBytes });
      else if (member.type === "2")
        places.set(name, { link: posix.join(posix.dirname(name), member.link.toString("utf8")) });
      if (places.size > MOST_FILES) throw imageError("invalid", `The archive has more than ${MOST_FILES} files.`);
    }
  } finally {
    await input.close();
  }
  return places;
}

/** Docker wrote a layer that occurs twice as a link to the first one. */
function find(places: ReadonlyMap<string, Place>, name: string): { start: number; sizeBytes: number } {
  const place = places.get(posix.normalize(name));
  const found = place && "link" in place ? places.get(place.link) : place;
  if (found && !("link" in found)) return found;
  throw imageError("invalid", `The archive has no ${name}, so it is not an archive of \`docker save\`.`, { name });
}
