import { join } from "node:path";

import { z } from "zod";

import { readJson, realpath } from "../host/files.js";

/** Paths in a toolchain's directory. Its jail has `usr` at `/usr`, so paths that begin with a slash are right there too. */
export const inToolchain = {
  qemu: "/usr/bin/qemu-system-x86_64",
  setpriv: "/usr/bin/setpriv",
  prlimit: "/usr/bin/prlimit",
  /** Programs that run outside the jail: each a script that starts the real one with the toolchain's own libraries. */
  programs: "bin",
  qemuImg: "bin/qemu-img",
  manifest: "toolchain.json",
} as const;

/** In the directory of toolchains: a link to the one in use. */
export const CURRENT = "current";

const manifestSchema = z.object({
  format: z.literal(1),
  id: z.string(),
  suite: z.string(),
  /** The version as QEMU prints it. */
  qemu_version: z.string(),
  installed_at: z.string(),
  size_bytes: z.number(),
  packages: z.array(z.object({ name: z.string(), version: z.string() })),
});
export type ToolchainManifest = z.infer<typeof manifestSchema>;

/** QEMU and the programs around it, unpacked from Debian's packages with every library they need. */
export interface InstalledToolchain {
  /** A digest of its packages. */
  readonly id: string;
  readonly path: string;
  readonly qemuVersion: string;
  readonly manifest: ToolchainManifest;
}

/** The toolchain of a directory, or of one that a link names; null when there is none, or its record is of another format. */
export async function readToolchain(path: string): Promise<InstalledToolchain | null> {
  const real = await realpath(path).catch(() => null);
  if (real === null) return null;
  const parsed = manifestSchema.safeParse(await readJson(join(real, inToolchain.manifest)));
  if (!parsed.success) return null;
  return { id: parsed.data.id, path: real, qemuVersion: parsed.data.qemu_version, manifest: parsed.data };
}
