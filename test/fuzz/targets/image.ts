import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";

import { isGzip } from "../../../src/archive/gunzip.js";
import { BLOCK_BYTES, type BlockWriter, type Run } from "../../../src/environments/image/block-writer.js";
import { openDockerArchive, openPlainArchive } from "../../../src/environments/image/docker-archive.js";
import { configOf, configSchema, variablesOf } from "../../../src/environments/image/documents.js";
import { finishExt4 } from "../../../src/environments/image/ext4.js";
import { type Image, openImage } from "../../../src/environments/image/image.js";
import { applyLayer } from "../../../src/environments/image/layer.js";
import { ImageTree } from "../../../src/environments/image/tree.js";
import { pax, tar } from "../../archive/raw-tar.js";
import { specimens } from "../../archive/corpus.js";
import { directory, file, hardlink, symlink } from "../../archive/specimen.js";
import { describeRefusal, piecesOf, streamOf, type FuzzTarget } from "../target.js";
import { withChecksums } from "./archive.js";

const digestOf = (bytes: Buffer) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const MOST_CONTENT_BYTES = 1_048_576;

/** Counts blocks, and keeps none. */
class CountedBlocks {
  nextBlock = 4_096;

  async append(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Run> {
    const start = this.nextBlock;
    let sizeBytes = 0;
    for await (const chunk of content) {
      sizeBytes += chunk.length;
      // A file with holes may be as large as it likes.
      if (sizeBytes > MOST_CONTENT_BYTES) throw new RangeError("large");
    }
    const blocks = Math.ceil(sizeBytes / BLOCK_BYTES);
    this.nextBlock += blocks;
    return { start, blocks, sizeBytes };
  }

  async read(_run: Run, mostBytes: number): Promise<Buffer> {
    return Buffer.alloc(Math.min(mostBytes, 64));
  }

  async writeAt(offset: number, bytes: Uint8Array): Promise<void> {
    assert.ok(Number.isSafeInteger(offset) && offset >= 0 && bytes.length >= 0);
  }

  async finish(blocks: number): Promise<void> {
    assert.ok(Number.isSafeInteger(blocks) && blocks > 0);
  }

  async close(): Promise<void> {}
}

const { signal } = new AbortController();

/** Layers, one after the other, and the file system that is made of them. */
export const imageLayer: FuzzTarget = {
  name: "image-layer",
  seeds: [
    ...specimens.map(({ bytes }) => bytes).filter(({ length }) => length <= 8_192),
    tar(directory("a"), file("a/one"), file("a/.wh.one", ""), file("a/.wh..wh..opq", ""), symlink("l", "a")),
    tar(pax({ "SCHILY.xattr.user.x": "y", uid: "1000", gid: "4294967294" }), file("x"), hardlink("h", "x")),
    tar({ name: "null", type: "3", patch: [[329, "0000001\0"]] }, { name: "fifo", type: "6" }),
  ],
  words: [
    ".wh.",
    ".wh..wh..opq",
    "../",
    "SCHILY.xattr.",
    "security.capability",
    "system.posix_acl_access",
    "uid=",
    "ustar\u000000",
  ],
  maxBytes: 12_288,
  run: async (given) => {
    const input = withChecksums(given);
    const tree = new ImageTree();
    const blocks = new CountedBlocks() as unknown as BlockWriter;
    try {
      const layers = [input, input.subarray(Math.trunc(input.length / 1_024) * 512)];
      for (const [number, layer] of layers.entries()) {
        await applyLayer({ tree, blocks }, streamOf(piecesOf(layer)), { number, whiteouts: true, signal });
      }
      await finishExt4(tree, blocks);
      return `made ${tree.root.entries!.size > 2}`;
    } catch (error) {
      if (error instanceof RangeError && error.message === "large") return "large";
      return describeRefusal(error, /^ARCHIVE_|^ENVIRONMENT_/);
    }
  },
};

const CONFIG = {
  ...{ architecture: "amd64", os: "linux", rootfs: { diff_ids: [`sha256:${"1".repeat(64)}`] } },
  config: { Env: ["A=b"], WorkingDir: "/w", User: "1:2", Entrypoint: ["sh"], Cmd: null },
};
const TYPE = "application/vnd.oci.image";
/** `@N` stands for the digest of the document N places further on. */
const documents = (...all: readonly object[]) =>
  Buffer.from(all.map((document) => JSON.stringify(document)).join("\0"));
const MANIFEST = {
  mediaType: `${TYPE}.manifest.v1+json`,
  config: { mediaType: `${TYPE}.config.v1+json`, digest: "@1", size: 2 },
  layers: [{ mediaType: `${TYPE}.layer.v1.tar+gzip`, digest: `sha256:${"2".repeat(64)}`, size: 1 }],
};
const PLATFORM = { architecture: "amd64", os: "linux" };

/** Puts the digests of later documents in the places of `@N`. Such documents are what a server sends. */
function linkDocuments(input: Buffer): Map<string, Buffer> & { first: string } {
  const stored = Object.assign(new Map<string, Buffer>(), { first: "" });
  const parts: Buffer[] = [];
  let at = 0;
  for (let end = input.indexOf(0); end !== -1; end = input.indexOf(0, at)) {
    parts.push(input.subarray(at, end));
    at = end + 1;
  }
  parts.push(input.subarray(at));
  const digests: string[] = [];
  for (let index = parts.length - 1; index >= 0; index -= 1) {
    const text = parts[index]!.toString("latin1").replace(
      /@(\d)/g,
      (found, step) => digests[index + Number(step)] ?? found,
    );
    const bytes = Buffer.from(text, "latin1");
    digests[index] = digestOf(bytes);
    stored.set(digestOf(bytes), bytes);
  }
  stored.first = digests[0]!;
  return stored;
}

/** Indexes, manifests and configurations of images. */
export const imageDocuments: FuzzTarget = {
  name: "image-documents",
  seeds: [
    documents(MANIFEST, CONFIG),
    documents({ manifests: [{ digest: "@1", size: 9, platform: PLATFORM }] }, MANIFEST, CONFIG),
    documents({ manifests: [{ digest: "@1", size: 1, platform: { architecture: "arm", os: "x", variant: "v" } }] }, {}),
    documents({ schemaVersion: 1, fsLayers: [] }),
    documents({ ...MANIFEST, layers: [] }, { ...CONFIG, config: null, rootfs: { diff_ids: [] } }),
  ],
  words: [
    "@1",
    "@0",
    '"manifests":[',
    '"mediaType":',
    '"layers":',
    '"platform":',
    "null",
    "[]",
    "{}",
    '"__proto__":',
    "\u0000",
  ],
  maxBytes: 4_096,
  run: async (input) => {
    const stored = linkDocuments(input);
    const open = async function* ({ digest }: { digest: string }) {
      yield stored.get(digest) ?? Buffer.from("{}");
    };
    try {
      const { config, layers } = await openImage({ open }, { digest: stored.first, size: input.length });
      assert.ok(config.working_dir.startsWith("/"));
      assert.ok(variablesOf(config).every((line) => !line.includes("\n")));
      assert.ok(layers.every(({ sizeBytes }) => sizeBytes >= 0));
      return `image ${layers.length > 0}`;
    } catch (error) {
      return describeRefusal(error, /^ENVIRONMENT_/);
    }
  },
};

/** The configuration alone. */
export const imageConfig: FuzzTarget = {
  name: "image-config",
  seeds: [
    Buffer.from(JSON.stringify(CONFIG)),
    Buffer.from(JSON.stringify({ ...CONFIG, config: { Env: ["A=\n", "=b", " "] } })),
  ],
  words: ["..", "/", "null", '"Env":', "\\n", "\\u0000", '"User":'],
  maxBytes: 2_048,
  run: (input) => {
    let value: unknown;
    try {
      value = JSON.parse(input.toString("utf8"));
    } catch {
      return "no JSON";
    }
    const { data } = configSchema.safeParse(value);
    if (!data) return "invalid";
    const config = configOf(data, "sha256:1");
    assert.ok(config.working_dir.startsWith("/") && !config.working_dir.split("/").includes(".."));
    return String(variablesOf(config).length > 0);
  },
};

const scratch = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "pf-"));
process.once("exit", () => rmSync(scratch, { recursive: true, force: true }));
const json = (value: unknown) => JSON.stringify(value);
const saved = [{ Config: "config.json", RepoTags: ["a:1"], Layers: ["layer.tar"] }];

/** One archive in so many is also read from a file, which takes 20 times as long as from memory. */
const ONE_FILE_IN = 64;

async function readImage(opened: Promise<Image>): Promise<string> {
  try {
    const { layers } = await opened;
    for (const layer of layers) for await (const _ of layer.open());
    return `image ${layers.length > 0}`;
  } catch (error) {
    return describeRefusal(error, /^ARCHIVE_|^ENVIRONMENT_/);
  }
}

async function readAsFile(input: Buffer): Promise<string> {
  const path = join(scratch, "archive");
  const spare = join(scratch, "spare");
  writeFileSync(path, input);
  try {
    return await readImage(openDockerArchive(path, null, { spare, signal }));
  } finally {
    rmSync(spare, { force: true });
  }
}

function readFromMemory(input: Buffer): Promise<string> {
  const readPart = (start = 0, sizeBytes = input.length) => {
    const end = start + sizeBytes;
    assert.ok(start >= 0 && sizeBytes >= 0 && end <= input.length, `a part from ${start} to ${end}`);
    return streamOf(sizeBytes === 0 ? [] : [input.subarray(start, end)]);
  };
  return readImage(openPlainArchive(readPart, null, signal));
}

/** Archives of `docker save`: the same in memory and as files. No part lies outside of the archive. */
export const dockerArchive: FuzzTarget = {
  name: "docker-archive",
  seeds: [
    tar(file("manifest.json", json(saved)), file("config.json", json(CONFIG)), file("layer.tar", "x")),
    tar(
      file("manifest.json", json(saved)),
      file("c", json(CONFIG)),
      symlink("config.json", "c"),
      symlink("layer.tar", "c"),
    ),
    tar(file("manifest.json", json([...saved, ...saved]))),
  ],
  words: ["manifest.json", "../", '"Layers":', "config.json", "ustar\u000000"],
  maxBytes: 8_192,
  run: async (given) => {
    const input = withChecksums(given);
    if (isGzip(input)) return readAsFile(input);
    const outcome = await readFromMemory(input);
    if (crc32(input) % ONE_FILE_IN === 0) assert.equal(await readAsFile(input), outcome);
    return outcome;
  },
};
