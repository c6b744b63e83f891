import { spawn, type ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

export type { ChildProcess } from "node:child_process";

/** A process. Its start time distinguishes it from a later one with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot, from /proc/PID/stat. */
  readonly startTicks: number;
}

export function readProcessIdentity(pid: number): ProcessIdentity | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z") return null;
    return { pid, startTicks: Number(fields[19]) };
  } catch {
    return null;
  }
}

/** Null when the process is gone. */
export function readParentPid(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    return null;
  }
}

export function isAlive(identity: ProcessIdentity): boolean {
  return readProcessIdentity(identity.pid)?.startTicks === identity.startTicks;
}

/** Sends a signal to exactly that process; false when it is gone. */
export function sendSignal(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch {
    return false;
  }
}

/** The arguments of a running process; none when it is gone. */
export function readCommandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

/** Every process there is, with its arguments. */
export function listCommandLines(): { pid: number; args: string[] }[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map((name) => ({ pid: Number(name), args: readCommandLine(Number(name)) }));
}

/** The processes that a process has started and that have not ended; none when it is gone. */
export function readChildren(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    return children === "" ? [] : children.split(" ").map(Number);
  } catch {
    return [];
  }
}

/** Memory of a process tree that is its own, or its share of what several have, in bytes. */
export function readMemoryBytes(pid: number): number {
  try {
    const own = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1];
    return readChildren(pid).reduce((sum, child) => sum + readMemoryBytes(child), Number(own ?? 0) * 1024);
  } catch {
    return 0;
  }
}

/** Waits until none of them lives; false at the deadline. */
export async function waitUntilGone(identities: readonly ProcessIdentity[], deadlineMs: number): Promise<boolean> {
  const end = performance.now() + deadlineMs;
  while (identities.some(isAlive)) {
    if (performance.now() > end) return false;
    await sleep(10);
  }
  return true;
}

/** Kills a process group and waits until all its processes have ended; false at the deadline. */
export async function endGroup(pid: number, deadlineMs: number): Promise<boolean> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    try {
      process.kill(-pid, "SIGKILL");
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === "ESRCH";
    }
    if (performance.now() > end) return false;
    await sleep(10);
  }
}

export interface ToolResult {
  readonly exitCode: number;
  readonly stdout: string;
  /** The last 16 KiB of its output. */
  readonly stderr: string;
}

export interface ToolOptions {
  readonly signal?: AbortSignal | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly cwd?: string | undefined;
  /** Called with each line of standard error. */
  readonly onStderrLine?: ((line: string) => void) | undefined;
  /** Called with each line of standard output. */
  readonly onStdoutLine?: ((line: string) => void) | undefined;
  readonly timeoutMs?: number | undefined;
  /** Text for its standard input. */
  readonly input?: string | undefined;
}

const STDERR_TAIL = 16_384;

/**
 * Runs a program of the host to its end, in a process group of its own that dies with the abort.
 * Throws only when it cannot be started; a failure is a result.
 */
export async function runTool(
  program: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<ToolResult> {
  options.signal?.throwIfAborted();
  const child = spawn(program, args, {
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    detached: true,
    ...(options.env ? { env: options.env } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
  });
  const killGroup = () => {
    if (child.pid !== undefined && child.exitCode === null) {
      try {
        process.kill(-child.pid, "SIGKILL");
      } catch {
        // The group has already ended.
      }
    }
  };
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(killGroup, options.timeoutMs);
  options.signal?.addEventListener("abort", killGroup, { once: true });
  if (options.input !== undefined) {
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input);
  }
  const output = collectOutput(child, options);
  try {
    const exitCode = await exitCodeOf(child);
    options.signal?.throwIfAborted();
    return { exitCode, ...output() };
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", killGroup);
  }
}

/** Reads a child's output; the returned function gives the output so far. */
function collectOutput(child: ChildProcess, { onStdoutLine, onStderrLine }: ToolOptions) {
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  if (child.stdout && onStdoutLine) {
    createInterface({ input: child.stdout, crlfDelay: Infinity }).on("line", onStdoutLine);
  }
  if (child.stderr) {
    createInterface({ input: child.stderr, crlfDelay: Infinity }).on("line", (line) => {
      stderr = `${stderr}${line}\n`.slice(-STDERR_TAIL);
      onStderrLine?.(line);
    });
  }
  return () => ({ stdout, stderr });
}

/** The exit status of a child; 128 + 9 when a signal ended it. Rejects when it could not be started. */
function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 137));
  });
}

const KEPT_OUTPUT_BYTES = 4_096;

/** Resolves when a child has ended, with its outcome and the end of its standard error. */
export function describeEnd(child: ChildProcess): Promise<string> {
  let output = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-KEPT_OUTPUT_BYTES)));
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`it could not be started: ${error.message}`));
    child.once("close", (code, signal) => {
      const how = signal ? `killed by ${signal}` : code === 137 ? "killed" : `exit status ${code}`;
      resolve(output.trim() === "" ? how : `${how}; its output: ${output.trim()}`);
    });
  });
}

interface DetachedOptions {
  /** Where its output goes; without one its errors can be read from `stderr`. */
  readonly outputFd?: number;
  /** They arrive as descriptors 3, 4, … */
  readonly extraFds?: readonly (number | "pipe" | "ignore")[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Starts a program in a session of its own, away from the terminal's signals. */
export function spawnDetached(program: string, args: readonly string[], options: DetachedOptions = {}): ChildProcess {
  return spawnWithInput("ignore", program, args, options);
}

/**
 * The same, but whatever comes of the program ends when this process does or the program does, or when the child gets a SIGTERM.
 * `keeper` is the path of pyro-keeper.
 */
export function spawnKept(
  keeper: string,
  program: string,
  args: readonly string[],
  options: DetachedOptions = {},
): ChildProcess {
  // The keeper waits for the other end of the pipe, which is open as long as this process lives.
  const child = spawnWithInput("pipe", keeper, [program, ...args], options);
  child.stdin?.on("error", () => {});
  return child;
}

/** Writes what a child reads from a further descriptor, and closes it. A child that ends before it has read all of it is no error here. */
export function sendToDescriptor(child: ChildProcess, descriptor: number, content: string | Uint8Array): void {
  const streams: readonly unknown[] = child.stdio;
  const input = streams[descriptor];
  if (!(input instanceof Writable)) return;
  input.on("error", () => {});
  input.end(content);
}

function spawnWithInput(
  input: "ignore" | "pipe",
  program: string,
  args: readonly string[],
  { outputFd, extraFds, env, cwd }: DetachedOptions,
): ChildProcess {
  return spawn(program, args, {
    detached: true,
    stdio: [input, outputFd ?? "ignore", outputFd ?? "pipe", ...(extraFds ?? [])],
    ...(env ? { env } : {}),
    ...(cwd ? { cwd } : {}),
  });
}
