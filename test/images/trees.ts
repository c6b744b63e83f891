import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

import type { ImageFiles } from "../../src/environments/image/layer.js";
import type { Inode } from "../../src/environments/image/tree.js";

/** One line for each entry, sorted: path, type, mode, owner, time, attributes, and content, target, device or first name. */
export type Listing = readonly string[];

const types: Readonly<Record<number, string>> = {
  ...{ 0o100000: "file", 0o040000: "directory", 0o120000: "symlink", 0o020000: "character" },
  ...{ 0o060000: "block", 0o010000: "fifo" },
};

/** The entries of pyro's tree; contents are read from the image that was written. */
export async function listTree({ tree, blocks }: ImageFiles): Promise<Listing> {
  const lines: string[] = [];
  const firstNames = new Map<Inode, string>();
  const walk = async (inode: Inode, path: string): Promise<void> => {
    const entries = [...(inode.entries ?? [])].toSorted(([a], [b]) => (a < b ? -1 : 1));
    for (const [name, { inode: one }] of entries) {
      const at = `${path}/${name}`;
      const linked = firstNames.get(one);
      const { type, mode, uid, gid, mtimeS, xattrs } = one;
      const attributes = [...xattrs].map(([key, value]) => `${key}=${value.toString("base64")}`).toSorted();
      const content = one.content ? digestOf(await blocks.read(one.content, one.content.sizeBytes)) : "";
      const rest = linked ?? one.target ?? one.device?.join(":") ?? content;
      // Times of directories depend on the order in which their entries are made.
      const time = type === "directory" ? "" : mtimeS;
      lines.push([at, type, (mode & 0o7777).toString(8), uid, gid, time, attributes.join(), rest].join(" "));
      if (type !== "directory") firstNames.set(one, `=${at}`);
      if (one.entries) await walk(one, at);
    }
  };
  await walk(tree.root, "");
  return lines;
}

/** The entries of a directory, in the same form. */
export function listDirectory(root: string): Listing {
  const attributes = readAttributes(root);
  const firstNames = new Map<string, string>();
  const lines: string[] = [];
  const walk = (path: Buffer, shown: string): void => {
    const names = readdirSync(path, { encoding: "buffer" }).map((name) => name.toString("latin1"));
    for (const name of names.toSorted()) {
      const at = `${shown}/${name}`;
      const full = Buffer.concat([path, Buffer.from(`/${name}`, "latin1")]);
      const stat = lstatSync(full);
      const type = types[stat.mode & 0o170000] ?? "other";
      const key = `${stat.dev} ${stat.ino}`;
      const device = () => `${(stat.rdev >> 8) & 0xfff}:${(stat.rdev & 0xff) | ((stat.rdev >> 12) & 0xfff00)}`;
      const rest = {
        ...{
          file: () => digestOf(readFileSync(full)),
          symlink: () => readlinkSync(full, { encoding: "buffer" }).toString("latin1"),
        },
        ...{ character: device, block: device, directory: () => "", fifo: () => "", other: () => "" },
      }[type];
      const mode = type === "symlink" ? 0o777 : stat.mode & 0o7777;
      const time = type === "directory" ? "" : Math.floor(stat.mtimeMs / 1000);
      const found = type === "directory" ? undefined : firstNames.get(key);
      const values = [mode.toString(8), stat.uid, stat.gid, time, attributes.get(at) ?? "", found ?? rest?.()];
      lines.push([at, type, ...values].join(" "));
      if (type !== "directory") firstNames.set(key, `=${at}`);
      if (type === "directory") walk(full, at);
    }
  };
  walk(Buffer.from(root), "");
  return lines;
}

/** The extended attributes beneath a directory, in one run of Python: Node.js cannot read them. */
function readAttributes(root: string): ReadonlyMap<string, string> {
  const program = `
import base64, os, sys
root = os.fsencode(sys.argv[1])
for path, directories, files in os.walk(root):
    for name in directories + files:
        full = os.path.join(path, name)
        found = sorted(f"{key}={base64.b64encode(os.getxattr(full, key, follow_symlinks=False)).decode()}" for key in os.listxattr(full, follow_symlinks=False))
        if found: print(full[len(root):].decode("latin1"), ",".join(found), sep="\\t")
`;
  const text = execFileSync("python3", ["-c", program, root], { encoding: "utf8", maxBuffer: 1 << 26 });
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(lines.map((line) => line.split("\t") as [string, string]));
}

function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
