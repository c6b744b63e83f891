/** The parts of a container that replaces a VM. */
export interface ContainerSpec {
  readonly id: string;
  readonly rootDirectory: string;
  readonly workspaceDirectory: string;
  readonly agentPath: string;
  /** MiB that each directory in memory may take; null where bubblewrap cannot limit them. */
  readonly filesMib: number | null;
  /** Most processes; null where the kernel would count those of other containers too. */
  readonly processes: number | null;
  /** When pyro runs as root: the unprivileged id that root inside stands for. */
  readonly unprivilegedId: number | null;
}

/** The descriptor from which the agent reads its seccomp filter. */
export const FILTER_FD = 4;
/** The descriptor of the agent's only connection. Nothing listens, and no other can be made. */
export const AGENT_FD = 5;

/**
 * Bubblewrap's options for a sandboxed agent, and the program it runs: the environment's files read-only, own PID, network, IPC, UTS and
 * user namespace, and nothing of the host. Pure.
 *
 * Real root must not become root of its own namespace: it would still own the kernel's settings in /proc/sys. So it
 * first becomes the user nobody, which then gets a user namespace in which it looks like root.
 */
export function buildContainerArgs(spec: ContainerSpec): { jail: string[]; program: string[] } {
  const { unprivilegedId, filesMib, processes } = spec;
  const inMemory = (path: string) => [
    ...(filesMib === null ? [] : ["--size", String(filesMib * 1_048_576)]),
    ...["--perms", "1777", "--tmpfs", path],
  ];
  const ordinary = unprivilegedId === null;
  const jail = [
    ...(ordinary ? ["--unshare-user", "--uid", "0", "--gid", "0"] : []),
    ...["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"],
    ...["--die-with-parent", "--new-session", "--hostname", spec.id, "--clearenv"],
    ...["--setenv", "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    ...["--setenv", "PYRO_AGENT_LOGIN", "1"],
    ...["--ro-bind", spec.rootDirectory, "/"],
    ...["--dev", "/dev", ...inMemory("/dev/shm"), "--remount-ro", "/dev", "--proc", "/proc"],
    ...["/tmp", "/var/tmp", "/run", "/root"].flatMap(inMemory),
    ...["--bind", spec.workspaceDirectory, "/workspace", "--perms", "0755", "--dir", "/run/pyro"],
    ...["--ro-bind", spec.agentPath, "/run/pyro/agent"],
    ...["--chdir", "/"],
  ];
  // The agent loads the filter and sets the limit, not bubblewrap: `unshare` makes the last user namespace after bubblewrap.
  const limit = processes === null ? [] : ["--processes", String(processes)];
  const agent = ["/run/pyro/agent", "--fd", String(AGENT_FD), "--filter", String(FILTER_FD), ...limit];
  return { jail, program: [...(ordinary ? [] : buildBecomeNobody(unprivilegedId)), ...agent] };
}

/** Uses the environment's own programs, since the container has no others. */
function buildBecomeNobody(id: number): string[] {
  return [
    ...["/usr/bin/setpriv", `--reuid=${id}`, `--regid=${id}`, "--clear-groups"],
    ...["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"],
    ...["/usr/bin/unshare", "--user", "--map-root-user", "--"],
  ];
}
