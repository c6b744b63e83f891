import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { PyroError } from "../../contract/errors.js";
import { ControlGroup, type ControlGroups, type GroupLimits } from "../../host/control-groups.js";
import { mkdir, rm } from "../../host/files.js";
import { countsByNamespace } from "../../host/platform.js";
import { isAlive, sendSignal, type ProcessIdentity } from "../../host/process.js";
import { describeEnd, letOutlive, sendToDescriptor, spawnKept, type ChildProcess } from "../../host/spawn.js";
import { ListeningSocket, type SocketFile } from "../../host/socket-file.js";
import type { Accelerator } from "./accelerator.js";
import { buildJailFilter } from "../seccomp.js";
import { AGENT_FD, inJail, MAPPED_FD, PAGES_FD, QMP_FD } from "./argv.js";
import { KVM_DEVICE } from "./accelerator.js";
import { readInside, readMapped } from "./inside.js";
import { buildJail } from "./jail.js";
import type { Toolchain } from "./toolchain.js";
import type { VmUser } from "./vm-user.js";

export interface VmProcessSpec {
  readonly toolchain: Toolchain;
  /** Owns the files that it writes. */
  readonly user: VmUser;
  readonly accelerator: Accelerator;
  readonly qemuArgs: readonly string[];
  /** The program in the jail that these are for; by default QEMU. */
  readonly program?: string;
  /** Further mounts: [host path, path inside, may write]. */
  readonly mounts: readonly (readonly [string, string, boolean])[];
  /** Holds the sockets; made here, removed with the process. The jail does not see it. */
  readonly runDirectory: string;
  /** For a VM with a network: the program that starts the other ones, and its arguments. Null without a network. */
  readonly gate: readonly [program: string, ...args: string[]] | null;
  /** Size in MiB beyond which QEMU cannot write in any file. */
  readonly maxFileMib: number;
  /** Memory of the VM, in MiB. The limit on QEMU's own memory is derived from it. */
  readonly memMib: number;
  /** Path of a library to load into QEMU; null for none. */
  readonly preload: string | null;
  /** Arrives in QEMU as descriptor 3. */
  readonly stateFd: number | null;
  /** The changed memory of a snapshot, mapped before the device state is read; needs the library. Null for none. */
  readonly pagesFd?: number | null;
  /** Parent and limits of its control group; null for no control group. */
  readonly group: { readonly groups: Pick<ControlGroups, "create" | "command">; readonly limits: GroupLimits } | null;
  /** The path of pyro-keeper: the VM ends with the daemon, until `letOutlive`. */
  readonly keeper: string;
}

/** The sockets of a VM, at which QEMU listens. */
export interface VmSockets {
  readonly agent: SocketFile;
  readonly qmp: SocketFile;
}

const STATUS_FD = 4;
/** QEMU warns that a snapshot's state has no description of the devices, and continues without it. */
const HARMLESS = /Expected vmdescription section/;
const FILTER_FD = 5;
const END_GRACE_MS = 500;
/** Polling interval for a process that is not a child of this daemon. */
const WATCH_MS = 500;

/** One QEMU in its jail: started by this daemon, or found again by it. */
export class VmProcess {
  readonly sockets: VmSockets;
  /** Resolves with the reason when the process has ended. */
  readonly ended: Promise<string>;
  /** The first process inside the jail: when it ends, the whole jail ends. Null when it did not start. */
  readonly inside: Promise<ProcessIdentity | null>;
  /** Resolves when the memory of the snapshot is mapped. Rejects with VM_DIED when the process ends first. */
  readonly mapped: Promise<void>;
  readonly #runDirectory: string;
  readonly #group: ControlGroup | null;
  /** Null for the process of an earlier daemon. */
  readonly #child: ChildProcess | null;
  #outlives = false;

  private constructor(
    runDirectory: string,
    group: ControlGroup | null,
    sockets: VmSockets,
    inside: Promise<ProcessIdentity | null>,
    ended: Promise<string>,
    mapped: Promise<void> = Promise.resolve(),
    child: ChildProcess | null = null,
  ) {
    this.#runDirectory = runDirectory;
    this.#group = group;
    this.sockets = sockets;
    this.inside = inside;
    this.mapped = mapped;
    this.#child = child;
    mapped.catch(() => {});
    this.ended = ended.then((reason) => group?.explainOutOfMemory() ?? reason);
  }

  static async start(spec: VmProcessSpec): Promise<VmProcess> {
    const { toolchain, user, runDirectory, preload } = spec;
    await mkdir(runDirectory, { recursive: true, mode: 0o700 });
    // QEMU gets them listening, so that nothing in the jail can make or replace a name in that directory.
    using agent = await ListeningSocket.open(socketPaths(runDirectory).agent);
    using qmp = await ListeningSocket.open(socketPaths(runDirectory).qmp);
    const jail = buildJail({
      jailer: toolchain.jailer,
      directory: join(runDirectory, "jail"),
      system: toolchain.system,
      dropTo: user,
      devices: spec.accelerator === "kvm" ? [[KVM_DEVICE, KVM_DEVICE]] : [],
      mounts: [...spec.mounts, ...(preload === null ? [] : [[preload, inJail.preload, false] as const])],
      preload: preload === null ? null : inJail.preload,
      // The keeper ends it. The parent may be the gate, without which a VM continues.
      diesWithParent: false,
      filterFd: FILTER_FD,
      statusFd: STATUS_FD,
    });
    const limits = [toolchain.prlimit, ...buildLimits(spec), "--"];
    const qemu = [spec.program ?? toolchain.qemu, ...spec.qemuArgs];
    const jailed = hasUserNamespace(spec) ? [...jail, ...limits, ...qemu] : [...limits, ...jail, ...qemu];
    const group = spec.group?.groups.create(basename(runDirectory), spec.group.limits) ?? null;
    const chain = spec.gate ? [...spec.gate, "--", ...jailed] : jailed;
    const [program = "", ...words] = spec.group?.groups.command(group, chain) ?? chain;
    const extraFds: (number | "pipe" | "ignore")[] = [spec.stateFd ?? "ignore", "pipe", "pipe", "ignore", "ignore"];
    extraFds[AGENT_FD - 3] = agent.fd;
    extraFds[QMP_FD - 3] = qmp.fd;
    const pagesFd = spec.pagesFd ?? null;
    if (pagesFd !== null) {
      extraFds[PAGES_FD - 3] = pagesFd;
      extraFds[MAPPED_FD - 3] = "pipe";
    }
    const options = { extraFds, env: {} };
    const child = spawnKept(spec.keeper, program, words, options);
    sendToDescriptor(child, FILTER_FD, buildJailFilter());
    const sockets = { agent: agent.file, qmp: qmp.file };
    const ended = describeEnd(child, HARMLESS);
    const mapped = pagesFd === null ? Promise.resolve() : readMapped(child, MAPPED_FD);
    const vm = new VmProcess(runDirectory, group, sockets, readInside(child, STATUS_FD), ended, mapped, child);
    child.once("exit", () => void vm.#endAbandoned());
    return vm;
  }

  /** Finds a process of an earlier daemon; null when it has ended. `identities` are those of its sockets, if known. */
  static adopt(
    inside: ProcessIdentity,
    runDirectory: string,
    identities: { readonly agent: string; readonly qmp: string } | null,
  ): VmProcess | null {
    if (!isAlive(inside)) return null;
    const paths = socketPaths(runDirectory);
    const sockets = {
      agent: { path: paths.agent, identity: identities?.agent ?? null },
      qmp: { path: paths.qmp, identity: identities?.qmp ?? null },
    };
    const group = ControlGroup.find(inside.pid, basename(runDirectory));
    return new VmProcess(runDirectory, group, sockets, Promise.resolve(inside), watchEnd(inside));
  }

  /** From now on it does not end with this daemon, even if the daemon is killed at once. */
  async letOutlive(): Promise<void> {
    this.#outlives = true;
    if (this.#child) await letOutlive(this.#child);
  }

  /** A keeper that was killed has not ended the jail, which would outlive the daemon. */
  async #endAbandoned(): Promise<void> {
    const inside = await this.inside;
    if (inside && !this.#outlives) sendSignal(inside, "SIGKILL");
  }

  /** Kills it, waits until it has ended, and removes its sockets. */
  async kill(): Promise<void> {
    const inside = await Promise.race([this.inside, this.ended.then(() => null)]);
    if (inside) sendSignal(inside, "SIGKILL");
    await this.ended;
    await this.#group?.remove();
    await rm(this.#runDirectory, { recursive: true, force: true });
  }

  /** Waits for a step that needs the process. If the process ends first, throws VM_START_FAILED with QEMU's message. */
  async during<T>(work: Promise<T>): Promise<T> {
    const ended = this.ended.then((reason) => {
      throw new PyroError("VM_START_FAILED", `QEMU ended: ${reason}`);
    });
    try {
      return await Promise.race([work, ended]);
    } catch (error) {
      if (PyroError.from(error).code !== "VM_DIED") throw error;
      // A socket may close before the daemon notices the end of its process.
      const moment = new Promise<never>((_, reject) => setTimeout(reject, END_GRACE_MS, error).unref());
      return await Promise.race([ended, moment]);
    }
  }
}

function socketPaths(runDirectory: string): { agent: string; qmp: string } {
  return { agent: join(runDirectory, "agent.sock"), qmp: join(runDirectory, "qmp.sock") };
}

/** The memory that QEMU may map beyond that of its VM: translated code, devices, and 8 MiB of stack for each thread. */
const QEMU_DATA_MIB = 4_096;
/**
 * What QEMU may map beyond twice the memory of its VM, shared memory and addresses without memory included: its allocator reserves 128 MiB
 * for each thread. A snapshot's file, which is mapped for a moment beside the memory, may be as large.
 */
const QEMU_ADDRESSES_MIB = 16_384;
/** Processes and threads of a VM. QEMU takes fewer than 100. */
const MOST_PROCESSES = 256;

/** No core dumps, which would hold a guest's memory; no more descriptors, threads, memory of its own and no larger file than a VM needs. */
function buildLimits(spec: VmProcessSpec): string[] {
  const { maxFileMib, memMib } = spec;
  const bytes = (mib: number) => mib * 1_048_576;
  return [
    ...["--core=0", "--nofile=1024", `--fsize=${bytes(maxFileMib)}`],
    ...[`--data=${bytes(memMib + QEMU_DATA_MIB)}`, `--as=${bytes(2 * memMib + QEMU_ADDRESSES_MIB)}`],
    ...(isCountedAlone(spec) ? [`--nproc=${MOST_PROCESSES}`] : []),
  ];
}

/** An ordinary user has one for each VM, unless a container is the jail. Only what begins inside is counted there. */
function hasUserNamespace({ toolchain, user }: VmProcessSpec): boolean {
  return user === null && toolchain.jailer.kind === "bubblewrap";
}

/** True where the kernel does not count the processes of this VM together with those of others. */
function isCountedAlone(spec: VmProcessSpec): boolean {
  return hasUserNamespace(spec)
    ? countsByNamespace()
    : spec.user !== null && spec.user.uid !== spec.toolchain.dropTo?.uid;
}

async function watchEnd(inside: ProcessIdentity): Promise<string> {
  while (isAlive(inside)) await sleep(WATCH_MS, undefined, { ref: false });
  return "its process is gone";
}
