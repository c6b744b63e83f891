import { execFileSync } from "node:child_process";
import { join } from "node:path";

import { BlockWriter } from "../../../src/environments/image/block-writer.js";
import { FIRST_CONTENT_BLOCK, MOST_IMAGE_BLOCKS } from "../../../src/environments/image/ext4-layout.js";
import { applyLayer, type ImageFiles } from "../../../src/environments/image/layer.js";
import type { Inode } from "../../../src/environments/image/tree.js";
import { IMAGE_LIMITS, ImageTree } from "../../../src/environments/image/tree.js";

export interface FilesOptions {
  readonly whiteouts?: boolean;
  readonly limits?: typeof IMAGE_LIMITS;
  readonly signal?: AbortSignal;
}

/** The files of an image, with layers applied from the lowest up. */
export async function filesOf(
  directory: string,
  layers: readonly (Buffer | AsyncIterable<Uint8Array>)[],
  { whiteouts = true, limits = IMAGE_LIMITS, signal = new AbortController().signal }: FilesOptions = {},
): Promise<ImageFiles> {
  const blocks = await BlockWriter.create(join(directory, "root.img"), FIRST_CONTENT_BLOCK, MOST_IMAGE_BLOCKS);
  const files = { tree: new ImageTree(limits), blocks };
  try {
    for (const [number, layer] of layers.entries())
      await applyLayer(files, Buffer.isBuffer(layer) ? only(layer) : layer, { number, whiteouts, signal });
  } catch (error) {
    await blocks.close();
    throw error;
  }
  return files;
}

/** Every path of a tree with the type of its inode, sorted. */
export function pathsOf({ root }: ImageTree): string[] {
  const list = (inode: Inode, path: string): string[] =>
    [...(inode.entries ?? [])].flatMap(([name, entry]) => {
      const at = `${path}${name}`;
      return [entry.inode.type === "directory" ? `${at}/` : at, ...list(entry.inode, `${at}/`)];
    });
  return list(root, "").sort();
}

/** The output of debugfs for a request. */
export function askDebugfs(image: string, request: string): string {
  const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };
  return execFileSync("debugfs", ["-R", request, image], {
    encoding: "utf8",
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
}

/** Throws when e2fsck finds anything wrong. */
export function checkFileSystem(image: string): void {
  const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };
  execFileSync("e2fsck", ["-fn", image], { env, stdio: "pipe" });
}

async function* only(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
