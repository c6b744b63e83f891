import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const pyroPath = fileURLToPath(new URL("../../../bin/pyro", import.meta.url));

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A PYRO_HOME for one test; disposing stops its daemon and asserts that nothing is left. */
export class Scratch implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "pt-"));
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;

  constructor(env: NodeJS.ProcessEnv = {}) {
    this.home = env["PYRO_HOME"] ?? join(this.directory, "home");
    const { PATH, PYRO_TOOLCHAIN } = process.env;
    this.env = { PATH, PYRO_TOOLCHAIN, XDG_RUNTIME_DIR: this.directory, ...env, PYRO_HOME: this.home };
  }

  /** Starts the real executable. */
  start(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    return spawn(process.execPath, [pyroPath, ...args], { env: { ...this.env, ...env }, cwd: this.directory });
  }

  pyro(args: readonly string[], { input = "", env = {} }: { input?: string | Buffer; env?: NodeJS.ProcessEnv } = {}) {
    const child = this.start(args, env);
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
    return endOf(child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const stopped = await this.pyro(["daemon", "stop"]);
      assert.equal(stopped.status, 0, stopped.stderr);
      await untilGone(this.home);
    } finally {
      // Processes of a failed test must not keep running.
      for (const pid of processesOf(this.home)) kill(pid);
      rmSync(this.directory, { recursive: true, force: true });
    }
  }
}

export async function endOf(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { status, stdout, stderr };
}

/** Waits for a condition. The deadline ends a test that hangs. It is long, since the host may be busy. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineSeconds = 60,
): Promise<void> {
  const end = performance.now() + deadlineSeconds * 1000;
  for (let pauseMs = 5; !(await condition()); pauseMs = Math.min(50, pauseMs * 1.5)) {
    assert.ok(performance.now() < end, `not within ${deadlineSeconds} s: ${what}`);
    await sleep(pauseMs);
  }
}

/** Waits until no process of a home is left, `except` one; names the processes that stay. */
export async function untilGone(home: string, except?: number): Promise<void> {
  const left = () => processesOf(home).filter((pid) => pid !== except);
  await until("no process of this home is left", () => left().length === 0).catch((error: unknown) => {
    const lines = left().map((pid) => `${pid} ${commandLineOf(pid).join(" ").slice(0, 300)}`);
    throw new Error(["processes are left:", ...lines].join("\n"), { cause: error });
  });
}

/** Ids of processes whose environment or command line names this home: clients, the daemon, VMs. */
export function processesOf(home: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map(Number)
    .filter(
      (pid) =>
        environmentOf(pid).includes(`PYRO_HOME=${home}`) ||
        commandLineOf(pid).some((word) => word.startsWith(`${home}/`)),
    );
}

/** Its arguments; none when it is gone. */
export function commandLineOf(pid: number): string[] {
  return readWords(`/proc/${pid}/cmdline`);
}

/** Kills a process at once. Returns false when it is gone already. */
export function kill(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}

/** False when a process and all its threads have ended, which closes its sockets; a zombie has ended. */
export function isAlive(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).length > 1 || !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

export function environmentOf(pid: number): string[] {
  return readWords(`/proc/${pid}/environ`);
}

function readWords(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\0");
  } catch {
    return [];
  }
}
