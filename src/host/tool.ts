import { spawn, type ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";

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
  /** The descriptor that it reads as its standard input. */
  readonly inputFd?: number | undefined;
  /** The descriptor that its standard output goes to; `stdout` is then empty. */
  readonly outputFd?: number | undefined;
  /** Does not wait for the end of its output when a process that it has left behind keeps that open. */
  readonly leavesProcess?: boolean | undefined;
}

const STDERR_TAIL = 16_384;
/** How long the output of a program that has ended is waited for. */
const OUTPUT_GRACE_MS = 200;

/**
 * Runs a program of the host to its end, in its own process group, which an abort kills.
 * Throws only when it cannot be started; a failure is a result.
 */
export async function runTool(
  program: string,
  args: readonly string[],
  options: ToolOptions = {},
): Promise<ToolResult> {
  options.signal?.throwIfAborted();
  const child = spawn(program, args, {
    stdio: [options.input === undefined ? (options.inputFd ?? "ignore") : "pipe", options.outputFd ?? "pipe", "pipe"],
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
    const exitCode = await exitCodeOf(child, options.leavesProcess === true);
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
function exitCodeOf(child: ChildProcess, leavesProcess: boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 137));
    if (leavesProcess) child.once("exit", () => void closeOutput(child));
  });
}

/** Closes the pipes of a program that has ended. The event loop reads them between the two waits, so no output is lost. */
async function closeOutput(child: ChildProcess): Promise<void> {
  await sleep(OUTPUT_GRACE_MS, undefined, { ref: false });
  await setImmediate();
  child.stdout?.destroy();
  child.stderr?.destroy();
}
