import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import type { InstalledEnvironment } from "../../environments/cache.js";
import { Channel } from "../../guest/channel.js";
import type { ControlGroups } from "../../host/control-groups.js";
import { chown, mkdir } from "../../host/files.js";
import { findProgram } from "../../host/find-program.js";
import { diskUsageBytes } from "../../host/disk.js";
import { countsByNamespace, unprivilegedId } from "../../host/platform.js";
import { readMemoryBytes } from "../../host/process.js";
import { describeEnd, sendToDescriptor, spawnKept, type ChildProcess } from "../../host/spawn.js";
import { removeTree } from "../../host/remove-tree.js";
import { SharedWork } from "../../host/shared-work.js";
import type { Socket } from "../../host/socket.js";
import type {
  Backend,
  BackendCapabilities,
  Diagnosis,
  Machine,
  PrepareOptions,
  PruneReport,
  VmShape,
} from "../backend.js";
import { limitsFilesInMemory } from "../bubblewrap.js";
import { prunePrepared } from "../prune.js";
import { buildContainerFilter } from "../seccomp.js";
import { sweepTemporaries } from "../../host/temporary.js";
import { AGENT_FD, buildContainerArgs, FILTER_FD } from "./container.js";
import { unpackRootFiles } from "./root-files.js";

export interface HostCompatOptions {
  readonly homePath: string;
  readonly agentPath: string;
  readonly keeperPath: string;
  readonly groups: ControlGroups;
}

/** Maximum processes of a machine; enough for builds. */
const PROCESSES = 4_096;
const START_DEADLINE_MS = 10_000;

const capabilities: BackendCapabilities = {
  executionMode: "host_compat",
  network: false,
  snapshots: false,
};

/** The fallback that a caller must allow: the same agent as a sandboxed process of the host, without a kernel of its own. */
export class HostCompatBackend implements Backend {
  readonly name = "host_compat";
  readonly capabilities = capabilities;
  readonly #options: HostCompatOptions;
  readonly #rootsPath: string;
  readonly #machinesPath: string;
  readonly #unpacking = new SharedWork<string, string>();

  private constructor(options: HostCompatOptions) {
    this.#options = options;
    this.#rootsPath = join(options.homePath, "host-compat", "roots");
    this.#machinesPath = join(options.homePath, "host-compat", "machines");
  }

  /** Opens the backend and removes the leftovers of a killed daemon. */
  static async open(options: HostCompatOptions): Promise<HostCompatBackend> {
    const backend = new HostCompatBackend(options);
    await removeTree(backend.#machinesPath);
    await mkdir(backend.#machinesPath, { recursive: true, mode: 0o700 });
    await mkdir(backend.#rootsPath, { recursive: true, mode: 0o700 });
    await sweepTemporaries(backend.#rootsPath);
    return backend;
  }

  async check(): Promise<PyroError | null> {
    try {
      await this.#programs();
      return null;
    } catch (error) {
      return PyroError.from(error);
    }
  }

  async engine(): Promise<null> {
    return null;
  }

  async diagnose(): Promise<Diagnosis> {
    const missing = await this.check();
    return {
      ok: missing === null,
      engine: null,
      jail: "bubblewrap",
      accelerator: null,
      acceleratorReason: "commands run on the host's own kernel",
      candidates: [],
      networkProblem: null,
      problems: missing === null ? [] : [{ message: missing.message, command: missing.hint }],
    };
  }

  prune(isHeld: (environmentDigest: string) => boolean, dryRun: boolean): Promise<PruneReport> {
    const environmentOf = async (name: string) => name;
    return prunePrepared({ path: this.#rootsPath, kind: "leftover", environmentOf, isHeld, dryRun });
  }

  /** The processes are the host's, so how much memory they use is not known in advance. */
  async countMemoryMib({ memMib }: VmShape): Promise<number> {
    return memMib;
  }

  async start(
    id: string,
    environment: InstalledEnvironment,
    { memMib, vcpuCount }: VmShape,
    options: PrepareOptions,
  ): Promise<Machine> {
    const { bwrap } = await this.#programs();
    const rootDirectory = await this.#root(environment, options);
    const directory = join(this.#machinesPath, id);
    const workspaceDirectory = join(directory, "workspace");
    const nobody = unprivilegedId();
    await mkdir(workspaceDirectory, { recursive: true, mode: 0o700 });
    if (nobody !== null) await chown(workspaceDirectory, nobody, nobody);
    const { agentPath, keeperPath, groups } = this.#options;
    const args = buildContainerArgs({
      id,
      rootDirectory,
      workspaceDirectory,
      agentPath,
      filesMib: (await limitsFilesInMemory(bwrap)) ? memMib : null,
      processes: countsByNamespace() ? PROCESSES : null,
      unprivilegedId: nobody,
    });
    const limits = { memoryMib: memMib, processes: PROCESSES, cpuWeight: 100 * vcpuCount, endsWhole: false };
    const group = groups.create(id, limits);
    const child = startJail(keeperPath, (words) => groups.command(group, words), bwrap, args);
    const ended = describeEnd(child).then((reason) => group?.explainOutOfMemory() ?? reason);
    const destroy = async () => {
      child.kill("SIGTERM");
      await ended;
      await group?.remove();
      await removeTree(directory);
    };
    const usage = async () => ({
      memoryBytes: child.pid === undefined ? 0 : readMemoryBytes(child.pid),
      diskBytes: await diskUsageBytes(directory),
    });
    try {
      const channel = await Promise.race([meet(child, options.signal), failed(ended)]);
      return {
        id,
        backend: this.name,
        executionMode: "host_compat",
        accelerator: null,
        channel,
        network: null,
        handle: null,
        outlive: async () => null,
        reservedMib: memMib,
        reservedDiskMib: null,
        died: ended,
        stall: () => null,
        answers: async () => {},
        usage,
        snapshot: async () => Promise.reject(noSnapshots()),
        proceed: async () => {},
        destroy,
      };
    } catch (error) {
      await destroy();
      throw error;
    }
  }

  /** Keeps nothing: the files of a machine are removed with it. */
  async keepDisk(): Promise<void> {}

  async openDisk(): Promise<never> {
    throw new PyroError("FAILED_PRECONDITION", "A machine without a VM has no disk to read.");
  }

  async checkSnapshot(): Promise<PyroError> {
    return noSnapshots();
  }

  async resume(): Promise<Machine> {
    throw noSnapshots();
  }

  async packDisk(): Promise<void> {
    throw noSnapshots();
  }

  /** Finds nothing: machines of this backend die with the daemon that started them. */
  async adopt(): Promise<null> {
    return null;
  }

  async close(): Promise<void> {}

  async sweep(): Promise<void> {}

  #root(environment: InstalledEnvironment, options: PrepareOptions): Promise<string> {
    return this.#unpacking.join(environment.digest, options, async (shared) => {
      const { debugfs } = await this.#programs();
      return unpackRootFiles(debugfs, environment, this.#rootsPath, shared);
    });
  }

  async #programs(): Promise<{ bwrap: string; debugfs: string }> {
    const [bwrap, debugfs] = await Promise.all([findProgram("bwrap"), findProgram("debugfs")]);
    if (bwrap !== null && debugfs !== null) return { bwrap, debugfs };
    throw new PyroError("HOST_NOT_ABLE", "host_compat needs bubblewrap and debugfs, which this host lacks.", {
      hint: "Install them with `sudo apt-get install bubblewrap e2fsprogs`.",
      details: { missing: [bwrap === null ? "bwrap" : "", debugfs === null ? "debugfs" : ""].filter(Boolean) },
    });
  }
}

/** The options go through a descriptor: those inside can read bubblewrap's command line, and it would show paths of the host. */
function startJail(
  keeper: string,
  inGroup: (words: readonly string[]) => readonly string[],
  bwrap: string,
  { jail, program }: { jail: string[]; program: string[] },
): ChildProcess {
  const [first = "", ...words] = inGroup([bwrap, "--args", "3", "--", ...program]);
  const child = spawnKept(keeper, first, words, { extraFds: ["pipe", "pipe", "pipe"] });
  sendToDescriptor(child, 3, jail.map((argument) => `${argument}\0`).join(""));
  sendToDescriptor(child, FILTER_FD, buildContainerFilter());
  return child;
}

function meet(child: ChildProcess, signal: AbortSignal): Promise<Channel> {
  const streams: readonly unknown[] = child.stdio;
  return Channel.open(streams[AGENT_FD] as Socket, { deadlineMs: START_DEADLINE_MS, signal });
}

function noSnapshots(): PyroError {
  return new PyroError("HOST_NOT_ABLE", "A sandboxed process cannot become a snapshot; only a VM can.", {
    hint: "Run `pyro doctor` to see what VMs need.",
    details: { missing: "snapshots" },
  });
}

async function failed(ended: Promise<string>): Promise<never> {
  throw new PyroError("VM_START_FAILED", `The sandbox ended: ${await ended}`);
}
