import assert from "node:assert/strict";
import { test } from "node:test";

import {
  moduleName,
  parseBuiltinModules,
  parseModuleInfo,
  planModules,
  type ModulePlace,
} from "../../src/environments/modules.js";

/** Each name with its dependencies, or "builtin". A soft dependency has a question mark. */
type Kernel = Record<string, string>;

function lookupIn(kernel: Kernel): (name: string) => Promise<ModulePlace | null> {
  return async (name) => {
    const entry = kernel[name];
    if (entry === undefined) return null;
    if (entry === "builtin") return { kind: "builtin" };
    const names = entry.split(" ").filter((word) => word !== "");
    const depends = names.filter((word) => !word.endsWith("?"));
    const softDepends = names.filter((word) => word.endsWith("?")).map((word) => word.slice(0, -1));
    return { kind: "file", path: `${name}.ko`, info: { depends, softDepends } };
  };
}

const plans: [what: string, kernel: Kernel, wanted: string[], order: string[], missing: string[]][] = [
  ["nothing", {}, [], [], []],
  ["one without dependencies", { a: "" }, ["a"], ["a"], []],
  ["a builtin one needs no file", { a: "builtin" }, ["a"], [], []],
  ["dependencies come first", { a: "b", b: "c", c: "" }, ["a"], ["c", "b", "a"], []],
  ["each loads once", { a: "c", b: "c", c: "" }, ["a", "b", "c"], ["c", "a", "b"], []],
  ["a diamond", { a: "b c", b: "d", c: "d", d: "" }, ["a"], ["d", "b", "c", "a"], []],
  ["soft dependencies come first too", { a: "s? b", b: "", s: "" }, ["a"], ["s", "b", "a"], []],
  ["a soft dependency may be missing", { a: "s?" }, ["a"], ["a"], []],
  ["missing modules are reported", { a: "b" }, ["a", "z"], ["a"], ["b", "z"]],
  ["missing softly, then needed", { a: "s?", b: "s" }, ["a", "b"], ["a", "b"], ["s"]],
  ["a circle ends", { a: "b", b: "a" }, ["a"], ["b", "a"], []],
];

for (const [what, kernel, wanted, order, missing] of plans) {
  test(`plan: ${what}`, async () => {
    const plan = await planModules(wanted, lookupIn(kernel));
    assert.deepEqual(
      plan.order.map(({ name }) => name),
      order,
    );
    assert.deepEqual(plan.missing, missing);
  });
}

const moduleNames: [path: string, name: string][] = [
  ["kernel/drivers/char/hw_random/virtio-rng.ko", "virtio_rng"],
  ["virtio_blk.ko.xz", "virtio_blk"],
  ["crc32c-intel.ko.zst", "crc32c_intel"],
  ["ext4", "ext4"],
];

for (const [path, name] of moduleNames) test(`name of ${path}`, () => assert.equal(moduleName(path), name));

test("modules.builtin: lists the modules inside the kernel", () => {
  const builtin = parseBuiltinModules("kernel/fs/ext4/ext4.ko\nkernel/drivers/char/hw_random/rng-core.ko\n");
  assert.deepEqual([...builtin], ["ext4", "rng_core"]);
});

/** The smallest 64-bit ELF file with the given sections. */
function elfWith(sections: Record<string, Buffer>): Buffer {
  const names = ["", ".shstrtab", ...Object.keys(sections)];
  const nameTable = Buffer.from(`${names.join("\0")}\0`);
  const bodies = [Buffer.alloc(0), nameTable, ...Object.values(sections)];
  const header = Buffer.alloc(64);
  header.write("\x7fELF\x02\x01", "latin1");
  const table = Buffer.alloc(64 * bodies.length);
  let offset = 64;
  let nameAt = 0;
  for (const [index, body] of bodies.entries()) {
    table.writeUInt32LE(nameAt, index * 64);
    table.writeBigUInt64LE(BigInt(offset), index * 64 + 24);
    table.writeBigUInt64LE(BigInt(body.length), index * 64 + 32);
    offset += body.length;
    nameAt += Buffer.byteLength(names[index] ?? "") + 1;
  }
  header.writeBigUInt64LE(BigInt(offset), 40);
  header.writeUInt16LE(64, 58);
  header.writeUInt16LE(bodies.length, 60);
  header.writeUInt16LE(1, 62);
  return Buffer.concat([header, ...bodies, table]);
}

const infos: [modinfo: string, depends: string[], softDepends: string[]][] = [
  ["license=GPL\0depends=\0name=x\0", [], []],
  ["depends=mbcache,jbd2\0", ["mbcache", "jbd2"], []],
  ["depends=virtio-ring\0softdep=pre: crc32c  aes-x post: late\0", ["virtio_ring"], ["crc32c", "aes_x"]],
  ["softdep=post: late\0", [], []],
];

for (const [modinfo, depends, softDepends] of infos) {
  test(`modinfo ${JSON.stringify(modinfo)}`, () => {
    const elf = elfWith({ ".text": Buffer.from("code"), ".modinfo": Buffer.from(modinfo) });
    assert.deepEqual(parseModuleInfo(elf), { depends, softDepends });
  });
}

test("a file that is not a kernel module is refused", () => {
  assert.throws(() => parseModuleInfo(Buffer.from("not an ELF file at all")));
  assert.throws(() => parseModuleInfo(elfWith({ ".text": Buffer.alloc(4) })));
});
