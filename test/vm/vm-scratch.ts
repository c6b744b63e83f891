import { existsSync, mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Scratch } from "../client/scratch.js";

/** Environments pulled once for all VM tests; `scripts/run-tests.sh` fills it. */
const SHARED_HOME = fileURLToPath(new URL("../../../.test-home", import.meta.url));

/** A home of its own that shares pulled environments, and unless told otherwise templates, with the other VM tests. */
export class VmScratch extends Scratch {
  constructor(options: { ownTemplates?: boolean; env?: NodeJS.ProcessEnv } = {}) {
    super(options.env);
    mkdirSync(this.home, { mode: 0o700 });
    for (const name of options.ownTemplates ? ["environments"] : ["environments", "templates"]) {
      mkdirSync(join(SHARED_HOME, name), { recursive: true });
      symlinkSync(join(SHARED_HOME, name), join(this.home, name));
    }
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
