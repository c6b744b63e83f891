import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { existsSync, lstat, readlink, stat } from "../../host/files.js";
import { findProgram } from "../../host/find-program.js";
import { isRoot, unprivilegedId } from "../../host/platform.js";
import { runTool } from "../../host/tool.js";
import { limitsFilesInMemory } from "../bubblewrap.js";
import { inToolchain, type InstalledToolchain } from "../../toolchain/installed.js";
import { JAIL_FILES, type Jailer, type JailSpec, type SystemPath } from "./jail.js";

/** How versions of QEMU differ. */
export interface QemuTraits {
  /** QEMU 9 and later have an option to map a read-only file as private, writable memory. */
  readonly readOnlyMemory: boolean;
}

/** The programs that make a VM: QEMU of the host or of the private toolchain, the others of the host where it has them. */
export interface Toolchain {
  /** QEMU as the jail sees it. */
  readonly qemu: string;
  /** The same file as the host sees it. */
  readonly qemuPath: string;
  /** The version that QEMU prints, and in brackets an id of this build. */
  readonly qemuVersion: string;
  /** The private toolchain that QEMU is from; null for the host's QEMU. */
  readonly privateId: string | null;
  readonly traits: QemuTraits;
  readonly jailer: Jailer;
  readonly mke2fs: string;
  /** As it is called: in the bubblewrap of an ordinary user, otherwise before the jail. */
  readonly prlimit: string;
  readonly qemuImg: string;
  /** The path of pyro-keeper, which ends all processes of the program that it starts. */
  readonly keeper: string;
  /** Directories at the root of the jail, from which QEMU is loaded. */
  readonly system: readonly SystemPath[];
  readonly dropTo: JailSpec["dropTo"];
}

const PACKAGES = {
  "qemu-system-x86_64": "qemu-system-x86",
  "qemu-img": "qemu-utils",
  bwrap: "bubblewrap",
  mke2fs: "e2fsprogs",
  prlimit: "util-linux",
  setpriv: "util-linux",
} as const;

/**
 * `keeper` is the path of pyro-keeper; `enclose` that of pyro-enclose where a container is the jail. Throws HOST_NOT_ABLE that names every
 * missing program and the command that installs them.
 */
export async function findToolchain(
  keeper: string,
  own: InstalledToolchain | null = null,
  enclose: string | null = null,
): Promise<Toolchain> {
  if (enclose !== null) await assertContainer();
  const id = enclose === null ? unprivilegedId() : null;
  const groups = id === null ? [] : await kvmGroups();
  if (own !== null && enclose === null) {
    const { bwrap, mke2fs, prlimit } = await requirePrograms(["bwrap", "mke2fs", "prlimit"]);
    return {
      qemu: inToolchain.qemu,
      qemuPath: join(own.path, inToolchain.qemu),
      qemuVersion: `${own.qemuVersion} [private ${own.id}]`,
      privateId: own.id,
      traits: traitsOf(own.qemuVersion),
      keeper,
      ...{ jailer: await describeBubblewrap(bwrap), mke2fs },
      prlimit: id === null ? inToolchain.prlimit : prlimit,
      qemuImg: join(own.path, inToolchain.qemuImg),
      system: buildSystemPaths(own.path),
      dropTo: id === null ? null : { setpriv: inToolchain.setpriv, uid: id, gid: id, groups },
    };
  }
  const names = ["qemu-system-x86_64", "qemu-img", "mke2fs", "prlimit"] as const;
  const jailNames = enclose === null ? (["bwrap"] as const) : [];
  const found = await requirePrograms([...names, ...jailNames, ...(id === null ? [] : (["setpriv"] as const))]);
  const qemu = found["qemu-system-x86_64"];
  const version = await readQemuVersion(qemu);
  return {
    ...{ qemu, qemuPath: qemu },
    qemuVersion: `${version} ${await readStamp(qemu)}`,
    privateId: null,
    traits: traitsOf(version),
    keeper,
    jailer: enclose === null ? await describeBubblewrap(found.bwrap) : { kind: "container", path: enclose },
    mke2fs: found.mke2fs,
    prlimit: found.prlimit,
    qemuImg: found["qemu-img"],
    system: await readSystemPaths(),
    dropTo: id === null ? null : { setpriv: found.setpriv, uid: id, gid: id, groups },
  };
}

/** True while the programs are the ones that were found: QEMU has not been replaced. */
export async function isUnchanged(found: Toolchain, own: InstalledToolchain | null): Promise<boolean> {
  if (found.privateId !== (own?.id ?? null)) return false;
  return own !== null || found.qemuVersion.endsWith(await readStamp(found.qemuPath).catch(() => "gone"));
}

/** A container that is the jail has an ordinary user, and the link that leads each QEMU to its own files. Throws HOST_NOT_ABLE. */
async function assertContainer(): Promise<void> {
  const isLinked = (await readlink(JAIL_FILES.path).catch(() => "")) === JAIL_FILES.link;
  if (isLinked && !isRoot()) return;
  const lack = isLinked ? "an ordinary user, not root" : `${JAIL_FILES.path} as a link to ${JAIL_FILES.link}`;
  throw new PyroError("HOST_NOT_ABLE", `PYRO_JAIL=container needs ${lack}.`, {
    hint: "Use pyro's image as it is, or unset PYRO_JAIL and run `pyro daemon stop`.",
    details: { reason: "no_container" },
  });
}

type Program = keyof typeof PACKAGES;

async function requirePrograms<Name extends Program>(names: readonly Name[]): Promise<Record<Program, string>> {
  const found = await Promise.all(names.map(async (name) => [name, await findProgram(name)] as const));
  const missing = found.flatMap(([name, path]) => (path === null ? [name] : []));
  if (missing.length > 0) throw missingPrograms(missing);
  return Object.fromEntries(found) as Record<Program, string>;
}

function missingPrograms(missing: readonly Program[]): PyroError {
  const packages = [...new Set(missing.map((name) => PACKAGES[name]))];
  return new PyroError("HOST_NOT_ABLE", `Programs are missing on this host: ${missing.join(", ")}.`, {
    hint: `Install them with \`sudo apt-get install ${packages.join(" ")}\`, or without root with \`pyro toolchain install\`; or use --allow-host-compat.`,
    details: { missing, packages },
  });
}

async function readQemuVersion(qemu: string): Promise<string> {
  const { stdout, stderr } = await runTool(qemu, ["--version"], { timeoutMs: 10_000 });
  const version = /version (\d.*)/.exec(stdout)?.[1];
  if (version !== undefined) return version;
  throw new PyroError("HOST_NOT_ABLE", `${qemu} does not run: ${stderr.trim() || "it printed no version"}.`, {
    hint: "Reinstall it with `sudo apt-get install --reinstall qemu-system-x86`.",
  });
}

async function describeBubblewrap(path: string): Promise<Jailer> {
  return { kind: "bubblewrap", path, limitsTmp: await limitsFilesInMemory(path) };
}

/** Distinguishes two builds of one version. */
async function readStamp(qemu: string): Promise<string> {
  const { mtimeMs, size } = await stat(qemu);
  return `[${size}.${Math.trunc(mtimeMs)}]`;
}

function traitsOf(version: string): QemuTraits {
  const major = Number.parseInt(version, 10);
  return { readOnlyMemory: major >= 9 };
}

/** The jail of a private toolchain has nothing of the host's /usr. */
function buildSystemPaths(root: string): SystemPath[] {
  const links = ["lib", "lib64", "bin", "sbin"].map((name) => ({ path: `/${name}`, is: { link: `usr/${name}` } }));
  return [{ path: "/usr", is: { directory: join(root, "usr") } }, ...links];
}

/** Directories from which the host's programs load: /usr, and /bin, /lib and the like. */
async function readSystemPaths(): Promise<SystemPath[]> {
  const paths = ["/usr", "/lib", "/lib64", "/bin", "/sbin", "/etc/ld.so.cache"].filter((path) => existsSync(path));
  return Promise.all(
    paths.map(async (path) => {
      const isLink = (await lstat(path)).isSymbolicLink();
      return { path, is: isLink ? { link: await readlink(path) } : { directory: path } };
    }),
  );
}

/** The group that may open /dev/kvm, for a QEMU that is no longer root. */
async function kvmGroups(): Promise<number[]> {
  const device = await stat("/dev/kvm").catch(() => null);
  return device === null || device.gid === 0 ? [] : [device.gid];
}
