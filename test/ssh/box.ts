import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { Client } from "../../src/client/client.js";
import { Pyro } from "../../src/index.js";
import { pyroPath, Scratch } from "../client/scratch.js";
import type { Place } from "../parity/runner.js";
import { VmScratch } from "../vm/vm-scratch.js";
import { kill, Sshd } from "./sshd.js";

/** Real VMs behind a real ssh server, and a home here with the context `box`. */
export class Box implements AsyncDisposable {
  readonly far: VmScratch;
  readonly near: Scratch;
  readonly sshd: Sshd;
  /** The client in this process, over ssh. */
  readonly client: Client;
  /** The clients' environment. */
  readonly env: NodeJS.ProcessEnv;

  private constructor(far: VmScratch, near: Scratch, sshd: Sshd) {
    Object.assign(this, { far, near, sshd });
    this.far = far;
    this.near = near;
    this.sshd = sshd;
    this.env = { ...process.env, ...near.env, PYRO_SSH: sshd.client, PYRO_CONTEXT: "box" };
    this.client = new Client(this.env);
  }

  static async open(): Promise<Box> {
    const far = new VmScratch();
    const near = new Scratch();
    const { PYRO_HOME: _home, ...env } = far.env;
    const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
    const sshd = await Sshd.open(given);
    await near.pyro(["context", "add", "box", sshd.url, "--pyro", pyroPath, "--home", far.home]);
    return new Box(far, near, sshd);
  }

  get place(): Place {
    return { home: this.near.home, env: this.env, context: "box" };
  }

  /** The SDK, which takes its ssh from this process's environment: the one of the box that was asked last. */
  openSdk(): Pyro {
    Object.assign(process.env, { PYRO_SSH: this.sshd.client });
    return new Pyro({ home: this.near.home, context: "box" });
  }

  /** The directory with the connection's sockets. */
  get #runtime(): string {
    return this.client.home.runtime;
  }

  /** The process that holds the connection on this side; null when there is none. */
  master(): number | null {
    const control = readdirSync(this.#runtime).find((name) => name.endsWith(".c"));
    if (control === undefined) return null;
    const asked = spawnSync(this.sshd.client, ["-S", join(this.#runtime, control), "-O", "check", "box"], {
      encoding: "utf8",
    });
    return Number(/pid=(\d+)/.exec(asked.stderr)?.[1] ?? 0) || null;
  }

  /** Breaks the connection at this end or at the other. False when there was none. */
  breakConnection(end: "here" | "there"): boolean {
    const pids = end === "here" ? [this.master() ?? 0].filter((pid) => pid > 0) : this.sshd.sessions();
    for (const pid of pids) kill(pid);
    return pids.length > 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.near.pyro(["context", "remove", "box"], { env: { PYRO_SSH: this.sshd.client } });
    await this.near[Symbol.asyncDispose]();
    await this.far[Symbol.asyncDispose]();
    await this.sshd[Symbol.asyncDispose]();
  }
}
