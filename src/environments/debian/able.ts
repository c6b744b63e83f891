import { PyroError } from "../../contract/errors.js";
import { existsSync, readFile } from "../../host/files.js";
import { findProgram } from "../../host/find-program.js";
import { archiveKeyring } from "./commands.js";
import { isPrivileged } from "./tools.js";

const SUBORDINATE_IDS = 65_536;

/** Throws HOST_NOT_ABLE with the fixing command when this host cannot build. */
export async function assertAbleToBuild(isThere: (program: string) => Promise<boolean> = isInPath): Promise<void> {
  assertPlatform("an environment");
  const root = isPrivileged();
  const needed: [what: string, debianPackage: string, there: boolean][] = [
    ["mmdebstrap", "mmdebstrap", await isThere("mmdebstrap")],
    ["mke2fs", "e2fsprogs", await isThere("mke2fs")],
    ["xz", "xz-utils", await isThere("xz")],
    [archiveKeyring, "debian-archive-keyring", existsSync(archiveKeyring)],
  ];
  if (!root) needed.push(["newuidmap", "uidmap", await isThere("newuidmap")]);
  const missing = needed.filter(([, , there]) => !there);
  if (missing.length > 0) {
    const packages = missing.map(([, debianPackage]) => debianPackage);
    throw new PyroError("HOST_NOT_ABLE", `Building an environment needs ${missing.map(([what]) => what).join(", ")}.`, {
      hint: `apt-get install ${packages.join(" ")}`,
      details: { missing: missing.map(([what]) => what), packages },
    });
  }
  if (!root) await assertSubordinateIds();
}

/**
 * Throws HOST_NOT_ABLE when this host cannot fetch and check Debian's packages for a purpose. `otherwise` is the hint for a host without
 * apt.
 */
export async function assertAbleToFetch(purpose: string, keyring: string, otherwise: string): Promise<void> {
  assertPlatform(purpose);
  const programs = ["apt-get", "dpkg-deb", "tar"];
  const found = await Promise.all(programs.map(isInPath));
  const missing = programs.filter((_, index) => !found[index]);
  if (missing.length > 0) {
    throw new PyroError("HOST_NOT_ABLE", `Fetching ${purpose} needs ${missing.join(", ")}, which this host lacks.`, {
      hint: otherwise,
      details: { missing },
    });
  }
  if (existsSync(keyring)) return;
  throw new PyroError("HOST_NOT_ABLE", `Fetching ${purpose} needs ${keyring}, the keys for its packages.`, {
    hint: "sudo apt-get install debian-archive-keyring",
    details: { missing: [keyring], packages: ["debian-archive-keyring"] },
  });
}

function assertPlatform(purpose: string): void {
  const { platform, arch: architecture } = process;
  if (platform === "linux" && architecture === "x64") return;
  throw new PyroError("HOST_NOT_ABLE", `pyro makes ${purpose} on x86-64 Linux; this is ${platform} ${architecture}.`, {
    details: { platform, architecture },
  });
}

async function isInPath(program: string): Promise<boolean> {
  return (await findProgram(program)) !== null;
}

async function assertSubordinateIds(): Promise<void> {
  const uid = String(process.geteuid?.() ?? "");
  const name = userName(uid, await readFile("/etc/passwd", "utf8").catch(() => ""));
  for (const path of ["/etc/subuid", "/etc/subgid"]) {
    const granted = countSubordinateIds(await readFile(path, "utf8").catch(() => ""), [uid, name]);
    if (granted >= SUBORDINATE_IDS) continue;
    throw new PyroError("HOST_NOT_ABLE", `${path} does not grant ${name} ${SUBORDINATE_IDS} subordinate ids.`, {
      hint: `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}`,
      details: { path, user: name },
    });
  }
}

/** The largest range that /etc/subuid or /etc/subgid grants to one of the names. */
export function countSubordinateIds(text: string, owners: readonly string[]): number {
  const ranges = text.split("\n").map((line) => line.split(":"));
  const counts = ranges
    .filter(([owner]) => owner !== undefined && owners.includes(owner))
    .map(([, , count]) => Number(count));
  return Math.max(0, ...counts.filter(Number.isFinite));
}

function userName(uid: string, passwd: string): string {
  const line = passwd.split("\n").find((candidate) => candidate.split(":")[2] === uid);
  return line?.split(":")[0] ?? uid;
}
