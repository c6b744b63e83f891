/** Metadata of a kernel module. */
export interface ModuleInfo {
  /** Modules whose symbols it uses. */
  readonly depends: readonly string[];
  /** Modules to load before it, if they exist. */
  readonly softDepends: readonly string[];
}

/** Where the kernel has a module: inside itself, or in a file. */
export type ModulePlace =
  | { readonly kind: "builtin" }
  | { readonly kind: "file"; readonly path: string; readonly info: ModuleInfo };

export interface ModulePlan {
  /** Files in the order in which they load. */
  readonly order: readonly { readonly name: string; readonly path: string }[];
  /** Required modules that are missing. */
  readonly missing: readonly string[];
}

/** `virtio-rng.ko.xz` and `kernel/drivers/virtio_rng.ko` are both the module `virtio_rng`. */
export function moduleName(path: string): string {
  const file = path.slice(path.lastIndexOf("/") + 1);
  return file.replace(/\.ko(\.(xz|zst|gz))?$/, "").replaceAll("-", "_");
}

/** Parses modules.builtin: one path a line. */
export function parseBuiltinModules(text: string): ReadonlySet<string> {
  return new Set(
    text
      .split("\n")
      .filter((line) => line !== "")
      .map(moduleName),
  );
}

/** Orders the wanted modules so that each comes after its dependencies. Builtin ones need no loading. */
export async function planModules(
  wanted: readonly string[],
  lookup: (name: string) => Promise<ModulePlace | null>,
): Promise<ModulePlan> {
  const order: { name: string; path: string }[] = [];
  const missing: string[] = [];
  const visited = new Set<string>();
  const visit = async (name: string, required: boolean): Promise<void> => {
    if (visited.has(name)) return;
    visited.add(name);
    const place = await lookup(name);
    if (place === null) {
      if (required) missing.push(name);
      // A later hard dependency must not find it marked as done.
      else visited.delete(name);
      return;
    }
    if (place.kind === "builtin") return;
    for (const dependency of place.info.softDepends) await visit(dependency, false);
    for (const dependency of place.info.depends) await visit(dependency, true);
    order.push({ name, path: place.path });
  };
  for (const name of wanted) await visit(name, true);
  return { order, missing };
}

/** Parses the `.modinfo` section of a module: NUL-terminated `key=value` strings in a 64-bit little-endian ELF file. */
export function parseModuleInfo(elf: Buffer): ModuleInfo {
  const depends: string[] = [];
  const softDepends: string[] = [];
  for (const text of modinfoSection(elf).toString("latin1").split("\0")) {
    if (text.startsWith("depends=")) depends.push(...names(text.slice(8), ","));
    if (text.startsWith("softdep=pre:")) softDepends.push(...names(text.slice(12).split("post:")[0] ?? "", " "));
  }
  return { depends, softDepends };
}

function names(list: string, separator: string): string[] {
  return list
    .split(separator)
    .map((name) => name.trim())
    .filter((name) => name !== "")
    .map(moduleName);
}

function modinfoSection(elf: Buffer): Buffer {
  if (elf.toString("latin1", 0, 4) !== "\x7fELF" || elf[4] !== 2 || elf[5] !== 1)
    throw new Error("not a 64-bit ELF file");
  const tableOffset = Number(elf.readBigUInt64LE(40));
  const entrySize = elf.readUInt16LE(58);
  const count = elf.readUInt16LE(60);
  const section = (index: number) => {
    const at = tableOffset + index * entrySize;
    const offset = Number(elf.readBigUInt64LE(at + 24));
    return { nameAt: elf.readUInt32LE(at), bytes: elf.subarray(offset, offset + Number(elf.readBigUInt64LE(at + 32))) };
  };
  const sectionNames = section(elf.readUInt16LE(62)).bytes;
  for (let index = 0; index < count; index += 1) {
    const { nameAt, bytes } = section(index);
    if (sectionNames.toString("latin1", nameAt, sectionNames.indexOf(0, nameAt)) === ".modinfo") return bytes;
  }
  throw new Error("no .modinfo section");
}
