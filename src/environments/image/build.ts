import { dirname, join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { copyShared } from "../../host/files.js";
import { JoinedController } from "../../host/joined-controller.js";
import type { ImageConfig } from "../manifest.js";
import { type FetchedImage, fetchRegistryImage } from "../registry/open.js";
import {
  type BuildOptions,
  type BuiltEnvironment,
  environmentFiles,
  type ImageRecipe,
  type KernelPack,
  type PullProgress,
} from "../source.js";
import { BlockWriter } from "./block-writer.js";
import { openDockerArchive } from "./docker-archive.js";
import { finishExt4 } from "./ext4.js";
import { FIRST_CONTENT_BLOCK, MOST_IMAGE_BLOCKS } from "./ext4-layout.js";
import { imageError } from "./failure.js";
import type { Image } from "./image.js";
import { applyLayer, type ImageFiles } from "./layer.js";
import { openLayout, readExisting } from "./layout.js";
import { addOwnFiles, readDistribution } from "./own-files.js";
import { type ByteStream, decompressed, verified, whileRoom } from "./streams.js";
import { ImageTree } from "./tree.js";

/** The parts of a root image. */
interface Content {
  /** Null for a plain root file system. */
  readonly config: ImageConfig | null;
  /** An image of a registry, with its fetched layers. */
  readonly fetched?: FetchedImage;
  readonly layers: readonly { readonly name: string; readonly sizeBytes: number; open(): ByteStream }[];
}

const COUNTED_BYTES = 4_194_304;

/** Builds an environment of an image: its own root, and the kernel of a pack. Nothing of the image is unpacked on the host. */
export async function buildFromImage(
  recipe: ImageRecipe,
  directory: string,
  options: BuildOptions,
): Promise<BuiltEnvironment> {
  options.onProgress({ phase: "check", message: `Reading ${recipe.name}`, fraction: 0.01 });
  const { content, kernel } = await openBoth(recipe, directory, options);
  try {
    const built = await buildContent(content, kernel.pack, directory, options);
    await content.fetched?.release();
    return built;
  } catch (error) {
    await content.fetched?.release(error);
    throw error;
  } finally {
    kernel.release();
  }
}

/** The image, and the kernel, which is fetched meanwhile if there is none. When one of them fails, the other is cancelled. */
async function openBoth(recipe: ImageRecipe, directory: string, options: BuildOptions) {
  using both = new JoinedController([options.signal]);
  let failure: unknown;
  const orCancel = (error: unknown) => {
    if (!both.signal.aborted) failure = error;
    both.abort(error);
    return null;
  };
  const { signal } = both;
  const progress = inFirstHalf(options);
  const [content, kernel] = await Promise.all([
    openContent(recipe, directory, { ...options, signal, onProgress: progress.ofImage }).catch(orCancel),
    options.takeKernel({ signal, onProgress: progress.ofKernel }).catch(orCancel),
  ]);
  if (content && kernel) return { content, kernel };
  kernel?.release();
  // The layers stay: without a kernel nothing is wrong with them.
  await content?.fetched?.release();
  options.signal.throwIfAborted();
  throw failure;
}

/** The parts of an image and a missing kernel are fetched at once, in the first half of a build. */
function inFirstHalf({ onProgress }: BuildOptions) {
  let reached = 0;
  let ofKernel: number | null = null;
  let ofImage = 0;
  const report = (progress: PullProgress) => {
    const both = ofKernel === null ? ofImage : (ofImage + ofKernel) / 2;
    reached = Math.max(reached, both / 2);
    onProgress({ ...progress, fraction: reached });
  };
  return {
    ofImage: (progress: PullProgress) => {
      ofImage = progress.fraction;
      report(progress);
    },
    ofKernel: (progress: PullProgress) => {
      ofKernel = progress.fraction;
      report(progress);
    },
  };
}

async function buildContent(
  content: Content,
  kernel: KernelPack,
  directory: string,
  options: BuildOptions,
): Promise<BuiltEnvironment> {
  await copyShared(kernel.kernelPath, join(directory, environmentFiles.kernel));
  await copyShared(kernel.initramfsPath, join(directory, environmentFiles.initramfs));
  const distribution = await writeRootImage(join(directory, environmentFiles.root), content, options);
  return {
    kernelVersion: kernel.version,
    packages: kernel.packages,
    ...(distribution !== null && { distribution }),
    ...(content.config && { image: content.config }),
    ...(content.fetched && {
      origin: { digest: content.fetched.digest },
      layers: content.fetched.layers.map(({ name }) => name),
    }),
  };
}

async function openContent(recipe: ImageRecipe, directory: string, options: BuildOptions): Promise<Content> {
  const { signal } = options;
  switch (recipe.kind) {
    case "rootfs": {
      const open = () => readExisting(recipe.path, "the archive");
      // An archive that cannot be read is found before a kernel is fetched.
      const first = open();
      await first.next();
      await first.return(undefined);
      return { config: null, layers: [{ name: recipe.path, sizeBytes: 0, open: () => decompressed(open()) }] };
    }
    case "registry": {
      const fetched = await fetchRegistryImage(recipe.reference, { ...options.registry, directory }, options);
      return { ...uncompressed(fetched), fetched };
    }
    case "oci":
      return uncompressed(await openLayout(recipe.path, recipe.tag));
    case "docker-archive":
      return uncompressed(
        await openDockerArchive(recipe.path, recipe.tag, { spare: join(directory, "archive.tar"), signal }),
      );
  }
}

function uncompressed({ config, layers }: Image): Content {
  return {
    config,
    layers: layers.map(({ name, sizeBytes, diffId, open }) => ({
      ...{ name, sizeBytes },
      open: () => verified(decompressed(open()), diffId, `The content of layer ${name}`),
    })),
  };
}

/** Returns the distribution that the image names. */
async function writeRootImage(path: string, content: Content, options: BuildOptions): Promise<string | null> {
  const blocks = await BlockWriter.create(path, FIRST_CONTENT_BLOCK, MOST_IMAGE_BLOCKS);
  const files: ImageFiles = { tree: new ImageTree(), blocks };
  try {
    const advance = countProgress(content, options);
    for (const [number, layer] of content.layers.entries()) {
      const bytes = advance(whileRoom(layer.open(), dirname(path), "An environment"), number);
      await applyLayer(files, bytes, { number, whiteouts: content.config !== null, signal: options.signal }).catch(
        (error: unknown) => {
          throw inLayer(error, layer.name);
        },
      );
    }
    const distribution = await readDistribution(files);
    await addOwnFiles(files, content.config, content.layers.length);
    options.onProgress({ phase: "image", message: "Completing the root image", fraction: 0.92 });
    await finishExt4(files.tree, blocks);
    return distribution;
  } catch (error) {
    await blocks.close().catch(() => {});
    if (error instanceof RangeError)
      throw imageError("too_large", `The image is too large: ${error.message}.`, {}, error);
    throw error;
  }
}

/** Passes a layer's bytes on and reports them: each layer has an equal part of the whole. */
function countProgress({ layers, fetched }: Content, { onProgress }: BuildOptions) {
  return async function* (source: ByteStream, number: number): AsyncGenerator<Uint8Array> {
    const count = layers.length;
    let [bytes, reported] = [0, 0];
    for await (const piece of source) {
      bytes += piece.length;
      if (bytes - reported >= COUNTED_BYTES) {
        reported = bytes;
        const part = bytes / (bytes + 4 * COUNTED_BYTES);
        const start = fetched ? 0.5 : 0.05;
        const message = `Reading layer ${number + 1} of ${count}, ${Math.round(bytes / 1_048_576)} MiB`;
        onProgress({ phase: "image", message, fraction: start + ((0.9 - start) * (number + part)) / count });
      }
      yield piece;
    }
  };
}

/** The same error, with the layer that it is about. */
function inLayer(error: unknown, layer: string): unknown {
  if (!(error instanceof PyroError)) return error;
  const { code, message, hint, details } = error;
  return new PyroError(code, message, { hint, details: { ...details, layer }, cause: error });
}
