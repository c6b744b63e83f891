import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Client } from "../../src/client/client.js";
import { commandLineOf, isAlive, kill, processesOf, Scratch, until } from "../client/scratch.js";

/** Environments pulled once for all VM tests; `scripts/run-tests.sh` fills it. */
const SHARED_HOME = fileURLToPath(new URL("../../../.test-home", import.meta.url));

const SHARED_TEMPLATES = join(SHARED_HOME, "templates");

export interface VmScratchOptions {
  readonly ownTemplates?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  readonly smallDisk?: { readonly directory: string; readonly size: string };
}

/** The time-out of commands that name none: no test is about the usual one, which a busy host may exceed. */
const TIMEOUT_SECONDS = 600;

/** A home that shares pulled environments with the other VM tests, and templates unless the test says otherwise. */
export class VmScratch extends Scratch {
  /** The client that all doors share, in this process. */
  readonly client: Client;
  readonly #mountPoint: string | null;

  /** `smallDisk`: a directory of the home is on a disk of that size; only for root. */
  constructor(options: VmScratchOptions = {}) {
    super({ PYRO_TIMEOUT_SECONDS: String(TIMEOUT_SECONDS), ...options.env });
    const { smallDisk } = options;
    this.#mountPoint = smallDisk ? join(this.home, smallDisk.directory) : null;
    mkdirSync(this.#mountPoint ?? this.home, { mode: 0o700, recursive: true });
    if (this.#mountPoint)
      runAsRoot("mount", "-t", "tmpfs", "-o", `size=${smallDisk!.size},mode=700`, "pyro-test", this.#mountPoint);
    this.client = new Client({ ...process.env, ...this.env });
    shareEnvironments(join(this.home, "environments"));
    if (!options.ownTemplates) {
      mkdirSync(SHARED_TEMPLATES, { recursive: true });
      symlinkSync(SHARED_TEMPLATES, join(this.home, "templates"));
    }
  }

  /** Gives the home a directory of templates of its own with links to those that are there, so that a prune removes links only. */
  linkTemplates(): void {
    const templates = join(this.home, "templates");
    rmSync(templates);
    linkEntries(SHARED_TEMPLATES, templates);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    // Tasks survive their daemon.
    await Promise.all(this.taskIds().map((task_id) => this.client.call("task.delete", { task_id }).catch(() => {})));
    const tasks = this.taskIds();
    await this.pyro(["daemon", "stop"]);
    const left = [...tasks, ...this.leftovers()];
    if (this.#mountPoint) await unmount(this.#mountPoint);
    await super[Symbol.asyncDispose]();
    assert.deepEqual(left, [], "VMs or tasks have left something");
  }

  /** Shrinks the small disk to its content and this many bytes more. */
  leaveRoom(freeBytes: number): void {
    const { blocks, bfree, bsize } = statfsSync(this.#mountPoint!);
    const size = (blocks - bfree) * bsize + freeBytes;
    // With its type, which an ordinary user's namespace needs.
    runAsRoot("mount", "-t", "tmpfs", "-o", `remount,size=${size}`, "pyro-test", this.#mountPoint!);
  }

  /** The tasks that have a directory. */
  taskIds(): string[] {
    const tasks = join(this.home, "tasks");
    return existsSync(tasks) ? readdirSync(tasks) : [];
  }

  /** The leftovers of VMs: their directories and their sockets. */
  leftovers(): string[] {
    const runtime = join(this.directory, "pyro");
    const sockets = existsSync(runtime)
      ? readdirSync(runtime, { recursive: true, encoding: "utf8" }).filter((name) => /\/(vm|tp)-/.test(name))
      : [];
    const vms = join(this.home, "vms");
    return [...(existsSync(vms) ? readdirSync(vms) : []), ...sockets];
  }

  /** The QEMU of a VM, a descendant of the jail whose command line names the VM's directory. */
  qemuOfVm(vmId: string): number {
    const directory = join(this.home, "vms", vmId);
    const jails = processesOf(this.home).filter((pid) => commandLineOf(pid).includes(directory));
    const qemu = jails.flatMap(childrenOf).find((pid) => commandLineOf(pid)[0]?.includes("qemu-system"));
    assert.ok(qemu, `no QEMU of ${vmId}`);
    return qemu;
  }

  async daemonPid(): Promise<number> {
    const { pid } = await this.client.call("daemon.status", {});
    return pid!;
  }

  /** Kills the daemon; returns when it can no longer be reached. */
  async killDaemon(): Promise<void> {
    const pid = await this.daemonPid();
    kill(pid);
    // Its socket would not show it: another client may have started the next daemon.
    await until("the daemon has ended", () => !isAlive(pid));
  }
}

/**
 * Makes a cache of its own for this home, with links to the pulled contents. Homes cannot share a cache: a daemon that starts takes the
 * builds of another one for leftovers, and a prune removes the other one's images.
 */
function shareEnvironments(directory: string): void {
  const shared = join(SHARED_HOME, "environments");
  linkEntries(join(shared, "content"), join(directory, "content"));
  cpSync(join(shared, "names"), join(directory, "names"), { recursive: true });
}

function linkEntries(from: string, to: string): void {
  mkdirSync(to, { mode: 0o700, recursive: true });
  for (const name of readdirSync(from)) symlinkSync(join(from, name), join(to, name));
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** A process that was killed keeps its files for a moment after its command line is gone. */
function unmount(path: string): Promise<void> {
  return until(`${path} is unmounted`, () => spawnSync("umount", [path]).status === 0);
}

function runAsRoot(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
}
