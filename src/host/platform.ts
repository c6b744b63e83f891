import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { release } from "node:os";

/** Identifies this boot of this kernel. Cached checks of the host are valid only for one boot. */
export function readBootIdentity(): { bootId: string; kernel: string } {
  return { bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(), kernel: release() };
}

/** Read from the kernel: a user of a container may have no entry in /etc/passwd. */
export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Ids of the user `nobody` and the group `nogroup`. */
const NOBODY = 65_534;

/**
 * The id that sandboxed processes of root become. Null for an ordinary user, and for root of a user namespace that does not map the
 * user nobody, as `unshare --map-root-user` makes it: such a root can become no other user.
 */
export function unprivilegedId(): number | null {
  if (!isRoot()) return null;
  return ["/proc/self/uid_map", "/proc/self/gid_map"].every((path) => mapsId(readFileSync(path, "utf8"), NOBODY))
    ? NOBODY
    : null;
}

/** Ids without an account: above those that directory services hand out, below those that systemd reserves. */
const OWN_IDS = { first: 2_100_000_000, count: 2 ** 24 } as const;

/** The id that one sandboxed process of root becomes, so that it shares nothing with others, by its name. Null where `unprivilegedId` is, and where such ids are not mapped. */
export function ownIdOf(name: string): number | null {
  const map = readFileSync("/proc/self/uid_map", "utf8");
  const last = OWN_IDS.first + OWN_IDS.count - 1;
  if (unprivilegedId() === null || ![OWN_IDS.first, last].every((id) => mapsId(map, id))) return null;
  return OWN_IDS.first + createHash("sha256").update(name).digest().readUIntBE(0, 3);
}

/** True where the kernel counts the processes of a user namespace for themselves when it applies RLIMIT_NPROC: since Linux 5.14. */
export function countsByNamespace(kernel = release()): boolean {
  const [major = 0, minor = 0] = kernel.split(".").map(Number.parseFloat);
  return major > 5 || (major === 5 && minor >= 14);
}

/** True when a map of a user namespace holds an id: lines of first id inside, first id outside, count. */
export function mapsId(map: string, id: number): boolean {
  return map
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([first = 0, , count = 0]) => id >= first && id < first + count);
}

/** The name of a group, by its number or to see that there is one; null without such a group. */
export function groupName(wanted: number | string): string | null {
  const lines = readFileSync("/etc/group", "utf8").split("\n");
  const found = lines.map((line) => line.split(":")).find(([name, , gid]) => name === wanted || gid === String(wanted));
  return found?.[0] ?? null;
}

/** Mode, owner and access list of a device node, so that a verdict about it holds until one of them changes; null without a node. */
export function describeNode(path: string): string | null {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? null : [stat.mode.toString(8), stat.uid, stat.gid, stat.ctimeMs].join(" ");
}

/** Memory that new processes can have, in MiB, as the kernel estimates it. */
export function readAvailableMemoryMib(): number {
  const kib = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1];
  return Math.floor(Number(kib ?? 0) / 1024);
}
