import { posix } from "node:path";

import type { ImageConfig } from "../manifest.js";
import { variablesOf } from "./documents.js";
import type { ImageFiles } from "./layer.js";
import { makeInode, parseImagePath } from "./tree.js";

const MOST_TEXT_BYTES = 65_536;

/** Directories that the guest needs, whatever the image has. They may be links to directories. */
const directories: readonly (readonly [path: string, mode: number])[] = [
  ["etc", 0o755],
  ["root", 0o700],
];

/** Directories that the agent mounts or changes before the image's own root is in its place, where links would lead elsewhere. */
const ownPlaces: readonly (readonly [path: string, mode: number])[] = [
  ["dev", 0o755],
  ["proc", 0o555],
  ["run", 0o755],
  ["sys", 0o555],
  ["tmp", 0o1777],
  ["workspace", 0o755],
];

/** Files of a container's engine. The guest has its own. */
const files: readonly (readonly [path: string, content: string])[] = [
  ["etc/resolv.conf", ""],
  ["etc/machine-id", ""],
  ["etc/hostname", "pyro\n"],
  ["etc/hosts", "127.0.0.1\tlocalhost pyro\n::1\tlocalhost ip6-localhost ip6-loopback\n"],
];

/** Adds the parts that make an image a guest: files in /etc, the image's working directory, and its variables for each command. */
export async function addOwnFiles(image: ImageFiles, config: ImageConfig | null, layer: number): Promise<void> {
  const variables = config === null ? [] : variablesOf(config);
  for (const [path, mode] of directories) {
    if (image.tree.follow(path.split("/"))?.type !== "directory")
      image.tree.put(path.split("/"), makeInode("directory", mode), layer);
  }
  for (const [path, mode] of ownPlaces) {
    if (image.tree.find([path])?.type !== "directory") image.tree.put([path], makeInode("directory", mode), layer);
  }
  addDirectory(image, config?.working_dir ?? "/", layer);
  for (const [path, content] of files) await replaceFile(image, path, content, layer);
  if (variables.length === 0) return;
  const known = await readText(image, "etc/environment");
  const separator = known === "" || known.endsWith("\n") ? "" : "\n";
  const lines = variables.map((variable) => `${variable}\n`).join("");
  await replaceFile(image, "etc/environment", `${known}${separator}${lines}`, layer);
}

/** Makes a directory that is missing, as root's. One whose path leads through another file or a broken link is left out. */
function addDirectory({ tree }: ImageFiles, path: string, layer: number): void {
  const parts = parseImagePath(Buffer.from(posix.resolve("/", path)), path);
  const missing = parts.findIndex((_, at) => tree.follow(parts.slice(0, at + 1)) === null);
  if (missing === -1 || tree.find(parts.slice(0, missing + 1)) !== null) return;
  if (tree.follow(parts.slice(0, missing))?.type !== "directory") return;
  tree.put(parts, makeInode("directory", 0o755), layer);
}

/** The name and release of the distribution, as its os-release says; null when there is none. */
export async function readDistribution(image: ImageFiles): Promise<string | null> {
  for (const path of ["etc/os-release", "usr/lib/os-release"]) {
    const text = await readText(image, path);
    const value = (key: string) => new RegExp(`^${key}=["']?([^"'\n]*)`, "m").exec(text)?.[1]?.trim() ?? "";
    const name = `${value("ID")} ${value("VERSION_ID")}`.trim();
    if (name !== "") return name.slice(0, 100);
  }
  return null;
}

async function replaceFile({ tree, blocks }: ImageFiles, path: string, text: string, layer: number): Promise<void> {
  const parts = path.split("/");
  tree.remove(parts);
  tree.put(parts, makeInode("file", 0o644, { content: await blocks.append([Buffer.from(text)]) }), layer);
}

async function readText({ tree, blocks }: ImageFiles, path: string): Promise<string> {
  const content = tree.follow(path.split("/"))?.content ?? null;
  return content === null ? "" : (await blocks.read(content, MOST_TEXT_BYTES)).toString("utf8");
}
