import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Scratch } from "../client/scratch.js";

/** Environments pulled once for all VM tests; `scripts/run-tests.sh` fills it. */
const SHARED_HOME = fileURLToPath(new URL("../../../.test-home", import.meta.url));

/** A home of its own that shares pulled environments, and unless told otherwise templates, with the other VM tests. */
export class VmScratch extends Scratch {
  readonly #mounted: boolean;

  /** `homeMiB`: the home is on a disk of that size; only for root. */
  constructor(options: { ownTemplates?: boolean; env?: NodeJS.ProcessEnv; homeMiB?: number } = {}) {
    super(options.env);
    mkdirSync(this.home, { mode: 0o700 });
    this.#mounted = options.homeMiB !== undefined;
    if (this.#mounted)
      runAsRoot("mount", "-t", "tmpfs", "-o", `size=${options.homeMiB}m,mode=700`, "pyro-test", this.home);
    for (const name of options.ownTemplates ? ["environments"] : ["environments", "templates"]) {
      mkdirSync(join(SHARED_HOME, name), { recursive: true });
      symlinkSync(join(SHARED_HOME, name), join(this.home, name));
    }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    // Tasks survive their daemon.
    for (const id of this.taskIds()) await this.pyro(["task", "delete", id]);
    const tasks = this.taskIds();
    await this.pyro(["daemon", "stop"]);
    const left = [...tasks, ...this.leftovers()];
    if (this.#mounted) runAsRoot("umount", this.home);
    await super[Symbol.asyncDispose]();
    assert.deepEqual(left, [], "VMs or tasks have left something");
  }

  /** The tasks that have a directory. */
  taskIds(): string[] {
    const tasks = join(this.home, "tasks");
    return existsSync(tasks) ? readdirSync(tasks) : [];
  }

  /** What VMs have left: their directories and their sockets. */
  leftovers(): string[] {
    const runtime = join(this.directory, "pyro");
    const sockets = existsSync(runtime)
      ? readdirSync(runtime, { recursive: true, encoding: "utf8" }).filter((name) => /\/(vm|tp)-/.test(name))
      : [];
    const vms = join(this.home, "vms");
    return [...(existsSync(vms) ? readdirSync(vms) : []), ...sockets];
  }

  async daemonPid(): Promise<number> {
    const { stdout } = await this.pyro(["daemon", "status", "--json"]);
    return (JSON.parse(stdout) as { pid: number }).pid;
  }
}

function runAsRoot(program: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} failed: ${stderr}`);
}
