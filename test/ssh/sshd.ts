import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

import { readChildren } from "../../src/host/process.js";
import { until } from "../client/scratch.js";

/** Where sshd keeps privileges apart when root runs it. */
const SEPARATION = "/run/sshd";

/** An ssh server on loopback, run by this user: its own keys, configuration and known hosts. Its sessions have `env`. */
export class Sshd implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "pt-ssh-"));
  readonly port: number;
  /** For PYRO_SSH: ssh with a configuration that knows this server, also as the host `box`. */
  readonly client = join(this.directory, "ssh");
  readonly #process: ChildProcess;
  readonly #madeSeparation: boolean;

  private constructor(port: number, env: NodeJS.ProcessEnv, options: readonly string[]) {
    this.port = port;
    const file = (name: string) => join(this.directory, name);
    for (const key of ["host", "id", "stranger"]) makeKey(file(key));
    writeFileSync(file("authorized"), readFileSync(file("id.pub")));
    const set = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const lines = [
      ...[`Port ${port}`, "ListenAddress 127.0.0.1", `HostKey ${file("host")}`, "PidFile none"],
      ...[`AuthorizedKeysFile ${file("authorized")}`, "StrictModes no", "UsePAM no", "PasswordAuthentication no"],
      ...["PermitRootLogin yes", "MaxStartups 100", `SetEnv ${set.join(" ")}`, ...options],
    ];
    writeFileSync(file("sshd_config"), `${lines.join("\n")}\n`);
    this.know("host");
    this.useKey("id");
    writeFileSync(this.client, `#!/bin/sh\nexec ssh -F ${file("config")} "$@"\n`, { mode: 0o755 });
    this.#madeSeparation = process.getuid!() === 0 && !existsSync(SEPARATION);
    if (this.#madeSeparation) mkdirSync(SEPARATION, { mode: 0o755 });
    this.#process = spawn(findSshd(), ["-D", "-e", "-f", file("sshd_config")], { stdio: ["ignore", "ignore", "pipe"] });
    this.#process.stderr!.resume();
  }

  static async open(env: NodeJS.ProcessEnv, ...options: string[]): Promise<Sshd> {
    const sshd = new Sshd(await freePort(), env, options);
    await until("sshd answers", () => spawnSync(sshd.client, ["-o", "BatchMode=yes", "box", "true"]).status === 0);
    return sshd;
  }

  get url(): string {
    return `ssh://${userInfo().username}@127.0.0.1:${this.port}`;
  }

  /** Writes known_hosts with a key of this directory, or without one. */
  know(key: "host" | "stranger" | null): void {
    const line =
      key === null ? "" : `[127.0.0.1]:${this.port} ${readFileSync(join(this.directory, `${key}.pub`), "utf8")}`;
    writeFileSync(join(this.directory, "known"), line);
  }

  /** Chooses the client's key. */
  useKey(key: "id" | "stranger"): void {
    const lines = [
      `UserKnownHostsFile ${join(this.directory, "known")}`,
      "GlobalKnownHostsFile none",
      `IdentityFile ${join(this.directory, key)}`,
      "IdentitiesOnly yes",
      "IdentityAgent none",
      ...["Host box", "HostName 127.0.0.1", `Port ${this.port}`, `User ${userInfo().username}`],
    ];
    writeFileSync(join(this.directory, "config"), `${lines.join("\n")}\n`);
  }

  /** The processes of its sessions. */
  sessions(): number[] {
    return readChildren(this.#process.pid!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    for (const pid of this.sessions()) kill(pid);
    this.#process.kill("SIGKILL");
    await ended;
    rmSync(this.directory, { recursive: true });
    if (this.#madeSeparation) rmSync(SEPARATION, { recursive: true });
  }
}

export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function makeKey(path: string): void {
  const { status, stderr } = spawnSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
}

/** sshd wants to be started by its full path. */
function findSshd(): string {
  const found = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].find(existsSync);
  assert.ok(found, "sshd is missing: apt-get install openssh-server");
  return found;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
