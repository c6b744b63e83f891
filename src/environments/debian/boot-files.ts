import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { copyFile, readdir, readFile, rm, writeFile } from "../../host/files.js";
import { renderCpio } from "../initramfs.js";
import { moduleName, parseBuiltinModules, parseModuleInfo, planModules, type ModulePlace } from "../modules.js";
import { environmentFiles } from "../source.js";
import { stageDirectory } from "./commands.js";
import { runCommand } from "./tools.js";

/** Modules that the agent loads before it mounts the root, without the built-in ones. Network comes last. */
const bootModules = [
  "virtio_pci",
  "virtio_blk",
  "virtio_console",
  "virtio_rng",
  "crc32c_generic",
  "ext4",
  "overlay",
  "af_packet",
  "virtio_net",
] as const;

export interface KernelFacts {
  readonly version: string;
  readonly packageName: string;
  readonly packageVersion: string;
}

/** An unpacked kernel package. */
export interface UnpackedKernel {
  readonly kernel: string;
  /** The directory with a directory of modules for the kernel's version. */
  readonly modules: string;
  /** The fields `Package` and `Version` of the package. */
  readonly control: string;
}

/** Where the hook of a bootstrap leaves a kernel in the root. */
export async function kernelInRoot(root: string): Promise<UnpackedKernel> {
  const stage = join(root, stageDirectory);
  const control = await readFile(join(stage, "package"), "utf8");
  return { kernel: join(stage, "kernel"), modules: join(root, "usr/lib/modules"), control };
}

/** Copies a kernel into a directory, and makes the initramfs of the modules it needs to boot. */
export async function writeBootFiles(unpacked: UnpackedKernel, directory: string): Promise<KernelFacts> {
  const { kernel, modules, control } = unpacked;
  const [version] = await readdir(modules);
  if (version === undefined) throw new PyroError("ENVIRONMENT_BUILD_FAILED", "The kernel package has no modules.");
  await copyFile(kernel, join(directory, environmentFiles.kernel));
  await writeInitramfs(join(modules, version), directory);
  return { version, packageName: field(control, "Package"), packageVersion: field(control, "Version") };
}

async function writeInitramfs(modules: string, directory: string): Promise<void> {
  const builtin = parseBuiltinModules(await readFile(join(modules, "modules.builtin"), "utf8"));
  const paths = new Map<string, string>();
  for (const entry of await readdir(join(modules, "kernel"), { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && /\.ko(\.xz)?$/.test(entry.name))
      paths.set(moduleName(entry.name), join(entry.parentPath, entry.name));
  }
  const contents = new Map<string, Buffer>();
  const lookup = async (name: string): Promise<ModulePlace | null> => {
    if (builtin.has(name)) return { kind: "builtin" };
    const path = paths.get(name);
    if (path === undefined) return null;
    const bytes = await readModule(path, join(directory, "module.ko"));
    contents.set(name, bytes);
    return { kind: "file", path, info: parseModuleInfo(bytes) };
  };
  const { order, missing } = await planModules(bootModules, lookup);
  if (missing.length > 0) {
    throw new PyroError("ENVIRONMENT_BUILD_FAILED", `The kernel lacks ${missing.join(", ")}.`, {
      details: { missing },
    });
  }
  const files = order.map(({ name }) => ({ name: `${name}.ko`, data: contents.get(name) ?? Buffer.alloc(0) }));
  const archive = renderCpio([
    { kind: "directory", name: "modules" },
    { kind: "file", name: "modules/order", data: Buffer.from(files.map((file) => `${file.name}\n`).join("")) },
    ...files.map((file) => ({ kind: "file" as const, name: `modules/${file.name}`, data: file.data })),
  ]);
  await writeFile(join(directory, environmentFiles.initramfs), archive);
}

/** A module's bytes. Debian 13 ships modules compressed. The host decompresses them, since not every kernel can. */
async function readModule(path: string, temporary: string): Promise<Buffer> {
  if (!path.endsWith(".xz")) return readFile(path);
  await copyFile(path, `${temporary}.xz`);
  const { exitCode, stderr } = await runCommand(["xz", "--decompress", "--force", `${temporary}.xz`]);
  if (exitCode !== 0)
    throw new PyroError("ENVIRONMENT_BUILD_FAILED", "A kernel module cannot be unpacked.", {
      details: { path, stderr },
    });
  const bytes = await readFile(temporary);
  await rm(temporary);
  return bytes;
}

function field(control: string, name: string): string {
  return new RegExp(`^${name}: (.*)$`, "m").exec(control)?.[1] ?? "";
}
