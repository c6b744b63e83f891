import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";

import { mkdir, readdir } from "../host/files.js";

/** Where things are beneath PYRO_HOME/environments. */
export interface Layout {
  /** One directory per digest: kernel, initramfs, root.img, manifest.json. Never changed once there. */
  readonly content: string;
  /** One file per environment: which content its name stands for. */
  readonly names: string;
  /** Kernels that were fetched alone, for images. */
  readonly kernels: string;
  /** Layers of registries. */
  readonly blobs: string;
  /** Running builds and removals. Entries that exist when the cache opens are stale. */
  readonly temporary: string;
}

export const manifestFile = "manifest.json";

export async function makeLayout(directory: string): Promise<Layout> {
  const layout = {
    content: join(directory, "content"),
    names: join(directory, "names"),
    kernels: join(directory, "kernels"),
    blobs: join(directory, "blobs"),
    temporary: join(directory, "tmp"),
  };
  for (const path of Object.values(layout)) await mkdir(path, { recursive: true, mode: 0o700 });
  return layout;
}

export function contentPath(layout: Layout, digest: string): string {
  return join(layout.content, digest);
}

/** A reference with a path, or a long one, has a file named by its digest. */
export function namePath(layout: Layout, name: string): string {
  const isPlain = /^[A-Za-z0-9:._-]{1,128}$/.test(name);
  const file = isPlain ? name.replaceAll(":", "_") : `ref-${createHash("sha256").update(name).digest("hex")}`;
  return join(layout.names, `${file}.json`);
}

export function newTemporaryPath(layout: Layout): string {
  return join(layout.temporary, randomBytes(8).toString("hex"));
}

/** Full paths of a directory's entries. */
export async function listPaths(directory: string): Promise<string[]> {
  return (await readdir(directory)).map((name) => join(directory, name));
}
