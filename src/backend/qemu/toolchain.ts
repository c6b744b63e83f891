import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import { existsSync, findProgram, lstat, readlink, stat } from "../../host/files.js";
import { unprivilegedId } from "../../host/platform.js";
import { runTool } from "../../host/process.js";
import type { JailSpec, SystemPath } from "./jail.js";

/** How versions of QEMU differ. */
export interface QemuTraits {
  /** QEMU 9 and later have an option to map a read-only file as private, writable memory. */
  readonly readOnlyMemory: boolean;
  /** Emulated, QEMU before 8 keeps translated code by virtual address: a program at another address is translated again. */
  readonly translatesByAddress: boolean;
}

/** The programs of the host that make a VM, found once. */
export interface Toolchain {
  readonly qemu: string;
  /** As QEMU prints it, with the distribution's build. */
  readonly qemuVersion: string;
  readonly traits: QemuTraits;
  readonly bwrap: string;
  readonly mke2fs: string;
  readonly prlimit: string;
  readonly qemuImg: string;
  readonly system: readonly SystemPath[];
  readonly dropTo: JailSpec["dropTo"];
}

const PACKAGES: Readonly<Record<string, string>> = {
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-img": "qemu-utils",
  bwrap: "bubblewrap",
  mke2fs: "e2fsprogs",
  prlimit: "util-linux",
  setpriv: "util-linux",
};

/** Throws HOST_NOT_ABLE that names every missing program and the command that installs them. */
export async function findToolchain(): Promise<Toolchain> {
  const id = unprivilegedId();
  const names = ["qemu-system-x86_64", "qemu-img", "bwrap", "mke2fs", "prlimit", ...(id === null ? [] : ["setpriv"])];
  const found = new Map<string, string>();
  const missing: string[] = [];
  for (const name of names) {
    const path = await findProgram(name);
    if (path === null) missing.push(name);
    else found.set(name, path);
  }
  if (missing.length > 0) throw missingPrograms(missing);
  const qemu = found.get("qemu-system-x86_64")!;
  const { version, major } = await readQemuVersion(qemu);
  return {
    qemu,
    qemuVersion: version,
    traits: { readOnlyMemory: major >= 9, translatesByAddress: major < 8 },
    bwrap: found.get("bwrap")!,
    mke2fs: found.get("mke2fs")!,
    prlimit: found.get("prlimit")!,
    qemuImg: found.get("qemu-img")!,
    system: await readSystemPaths(),
    dropTo: id === null ? null : { setpriv: found.get("setpriv")!, uid: id, gid: id, groups: await kvmGroups() },
  };
}

function missingPrograms(missing: readonly string[]): PyroError {
  const packages = [...new Set(missing.map((name) => PACKAGES[name]!))];
  return new PyroError("HOST_NOT_ABLE", `Programs are missing on this host: ${missing.join(", ")}.`, {
    hint: `Install them with \`sudo apt-get install ${packages.join(" ")}\`, or use --allow-host-compat.`,
    details: { missing, packages },
  });
}

async function readQemuVersion(qemu: string): Promise<{ version: string; major: number }> {
  const { stdout, stderr } = await runTool(qemu, ["--version"], { timeoutMs: 10_000 });
  const version = /version (.+)/.exec(stdout)?.[1];
  if (version === undefined) {
    throw new PyroError("HOST_NOT_ABLE", `${qemu} does not run: ${stderr.trim() || "it printed no version"}.`, {
      hint: "Reinstall it with `sudo apt-get install --reinstall qemu-system-x86`.",
    });
  }
  const { mtimeMs, size } = await stat(qemu);
  return {
    version: `${version} [${size}.${Math.trunc(mtimeMs)}]`,
    major: z.coerce.number().parse(version.split(".")[0]),
  };
}

/** What a program of the host needs to load: /usr, and the links or directories beside it. */
async function readSystemPaths(): Promise<SystemPath[]> {
  const paths = ["/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache"].filter((path) => existsSync(path));
  return Promise.all(
    paths.map(async (path) => ({ path, link: (await lstat(path)).isSymbolicLink() ? await readlink(path) : null })),
  );
}

/** The group that may open /dev/kvm, for a QEMU that is no longer root. */
async function kvmGroups(): Promise<number[]> {
  const device = await stat("/dev/kvm").catch(() => null);
  return device === null || device.gid === 0 ? [] : [device.gid];
}
