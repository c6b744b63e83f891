import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { pyroPath, Scratch, type Ended } from "../client/scratch.js";
import { makeFakeSsh } from "./fake-ssh.js";

/** A home here and one on "another machine", with the context `box` between them. */
export class TwoMachines implements AsyncDisposable {
  readonly far = new Scratch();
  readonly near = new Scratch();
  readonly env: NodeJS.ProcessEnv;

  constructor() {
    this.env = { ...this.near.env, PYRO_SSH: makeFakeSsh(this.near.directory) };
  }

  static async open(): Promise<TwoMachines> {
    const machines = new TwoMachines();
    await machines.add("box", "ssh://me@box.example:2222");
    return machines;
  }

  /** Adds a context that leads to the other home; `pyro` is the program there. */
  add(name: string, url: string, pyro = pyroPath): Promise<Ended> {
    return this.pyro(["context", "add", name, url, "--pyro", pyro, "--home", this.far.home]);
  }

  pyro(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    return this.near.pyro(args, { env: { ...this.env, ...env } });
  }

  /** The code of a call that fails. */
  async codeOf(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const { stdout } = await this.pyro([...args, "--json"], env);
    return (JSON.parse(stdout) as { error?: { code: string } }).error?.code ?? stdout;
  }

  /** A program in place of the other machine's pyro. */
  program(name: string, script: string): string {
    const path = join(this.far.directory, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.far[Symbol.asyncDispose]();
    await this.near[Symbol.asyncDispose]();
  }
}
