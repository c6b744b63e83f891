/** The program that makes the jail: bubblewrap; or pyro-enclose, where the container that pyro runs in is the jail (docs/decisions/0065). */
export type Jailer =
  | {
      readonly kind: "bubblewrap";
      readonly path: string;
      /** Whether it can limit a file system in memory, as 0.7 and later can. */ readonly limitsTmp: boolean;
    }
  | { readonly kind: "container"; readonly path: string };

/** A jail: the files that a program inside sees, and its user. */
export interface JailSpec {
  readonly jailer: Jailer;
  /** Where a container's jail keeps its links: a path that does not exist yet, for the caller to remove. */
  readonly directory: string;
  /** Mounts: [host path, path inside, may write]. */
  readonly mounts: readonly (readonly [string, string, boolean])[];
  /** Device nodes such as /dev/kvm: [host path, path inside]. */
  readonly devices: readonly (readonly [string, string])[];
  /** System directories at the root: `/lib` as a link to `usr/lib`, or as a directory. */
  readonly system: readonly SystemPath[];
  /** When pyro runs as root: the unprivileged ids to become, and the program that does it. */
  readonly dropTo: {
    readonly setpriv: string;
    readonly uid: number;
    readonly gid: number;
    readonly groups: readonly number[];
  } | null;
  /** A library inside that is loaded into each program of the jail; null for none. */
  readonly preload: string | null;
  /** True for a program that ends with the process that started it. */
  readonly diesWithParent: boolean;
  /** The descriptor from which the jailer reads a seccomp filter. */
  readonly filterFd: number;
  /** The descriptor to which the jailer writes the id of the process inside. */
  readonly statusFd: number;
}

/** Below it are the files of a jail. In a container it is a link that leads each process to its working directory. */
export const JAIL_FILES = { path: "/pyro", link: "/proc/self/cwd" } as const;

/** A path at the jail's root: a link, or a directory of the host. */
export interface SystemPath {
  readonly path: string;
  readonly is: { readonly link: string } | { readonly directory: string };
}

/** Memory that files in /tmp may take: a device state of at most 64 MiB, and some more. */
const TMP_BYTES = 96 * 1_048_576;

/** The jailer and its arguments, without the program that it runs. Pure. */
export function buildJail(spec: JailSpec): string[] {
  return [spec.jailer.path, ...(spec.jailer.kind === "container" ? buildEnclosure(spec) : buildJailArgs(spec))];
}

/** The namespaces of the container are there already, and its user is an ordinary one. */
function buildEnclosure({ directory, filterFd, statusFd, devices, mounts, preload }: JailSpec): string[] {
  return [
    ...[directory, String(filterFd), String(statusFd)],
    ...devices.flatMap(([from, to]) => ["--write", from, to]),
    ...mounts.flatMap(([from, to, write]) => [write ? "--write" : "--read", from, to]),
    ...(preload === null ? [] : ["--preload", preload]),
    "--",
  ];
}

function buildJailArgs(spec: JailSpec): string[] {
  const { dropTo, jailer } = spec;
  return [
    // A user namespace makes an ordinary user root. Real root becomes another user instead, which is impossible inside a user namespace.
    ...(dropTo === null ? ["--unshare-user"] : []),
    ...["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"],
    "--new-session",
    ...(spec.diesWithParent ? ["--die-with-parent"] : []),
    ...["--hostname", "pyro"],
    ...["--clearenv", "--setenv", "PATH", "/usr/bin:/bin"],
    ...(spec.preload === null ? [] : ["--setenv", "LD_PRELOAD", spec.preload]),
    ...spec.system.flatMap(({ path, is }) =>
      "link" in is ? ["--symlink", is.link, path] : ["--ro-bind", is.directory, path],
    ),
    ...["--dev", "/dev"],
    ...spec.devices.flatMap(([from, to]) => ["--dev-bind", from, to]),
    ...(jailer.kind === "bubblewrap" && jailer.limitsTmp ? ["--size", String(TMP_BYTES)] : []),
    ...["--perms", "1777", "--tmpfs", "/tmp", "--perms", "0755", "--dir", "/pyro"],
    ...spec.mounts.flatMap(([from, to, write]) => [write ? "--bind" : "--ro-bind", from, to]),
    // An ordinary user owns these file systems in his own namespace, and could write to them.
    ...["--remount-ro", "/dev", "--remount-ro", "/"],
    ...["--chdir", "/"],
    ...["--seccomp", String(spec.filterFd)],
    ...["--json-status-fd", String(spec.statusFd)],
    ...(dropTo === null ? ["--cap-drop", "ALL"] : ["--cap-drop", "ALL", ...keepToDrop]),
    "--",
    ...(dropTo === null ? [] : buildDropArgs(dropTo)),
  ];
}

const keepToDrop = ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"].flatMap((name) => ["--cap-add", name]);

function buildDropArgs(to: NonNullable<JailSpec["dropTo"]>): string[] {
  return [
    to.setpriv,
    `--reuid=${to.uid}`,
    `--regid=${to.gid}`,
    to.groups.length === 0 ? "--clear-groups" : `--groups=${to.groups.join(",")}`,
    "--bounding-set=-all",
    "--inh-caps=-all",
    "--no-new-privs",
    "--",
  ];
}
