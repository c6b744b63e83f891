import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { endOf, pyroPath, until, type Ended } from "../../client/scratch.js";
import type { VmScratch } from "../../vm/vm-scratch.js";

/** Programs of E2B's users, as they are. */
export const programs = fileURLToPath(new URL("../../../../test/doors/e2b/programs/", import.meta.url));

/** `pyro e2b serve` in a home, and programs that use it. */
export class RunningGateway implements AsyncDisposable {
  readonly #scratch: VmScratch;
  readonly child: ChildProcess;
  variables: Readonly<Record<string, string>> = {};
  #messages = "";

  private constructor(scratch: VmScratch, port: number) {
    this.#scratch = scratch;
    this.child = spawn(process.execPath, [pyroPath, "e2b", "serve", "--port", String(port)], {
      env: { ...process.env, ...scratch.env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.child.stderr?.on("data", (text: Buffer) => (this.#messages += text.toString()));
  }

  static async open(scratch: VmScratch, port = 0): Promise<RunningGateway> {
    const gateway = new RunningGateway(scratch, port);
    await until(
      "the gateway serves",
      () => gateway.#messages.includes("serving on") || gateway.child.exitCode !== null,
    );
    const { status, stdout, stderr } = await scratch.pyro(["e2b", "env"]);
    assert.equal(status, 0, gateway.#messages + stderr);
    gateway.variables = Object.fromEntries(
      [...stdout.matchAll(/^export (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
    );
    return gateway;
  }

  get port(): number {
    return Number(new URL(this.variables["E2B_API_URL"]!).port);
  }

  /** Runs a program with the variables that `pyro e2b env` prints. */
  run(program: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const whole = { ...process.env, ...this.#scratch.env, ...this.variables, ...env };
    return endOf(spawn(program, args, { env: whole }));
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill(signal);
    await once(this.child, "exit");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGTERM");
    assert.doesNotMatch(this.#messages, /Error/);
  }
}
