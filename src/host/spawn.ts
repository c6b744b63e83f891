import { spawn, type ChildProcess } from "node:child_process";
import { Writable } from "node:stream";

export type { ChildProcess } from "node:child_process";

const KEPT_OUTPUT_BYTES = 4_096;

/** Resolves when a child has ended, with its outcome and the end of its standard error, without the lines that match `ignored`. */
export function describeEnd(child: ChildProcess, ignored: RegExp | null = null): Promise<string> {
  let output = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (output = (output + text).slice(-KEPT_OUTPUT_BYTES)));
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`it could not be started: ${error.message}`));
    child.once("close", (code, signal) => {
      const how = signal ? `killed by ${signal}` : code === 137 ? "killed" : `exit status ${code}`;
      const lines = output.split("\n").filter((line) => ignored?.test(line) !== true);
      const said = lines.join("\n").trim();
      resolve(said === "" ? how : `${how}; its output: ${said}`);
    });
  });
}

interface DetachedOptions {
  /** The descriptor that the program's output goes to. Without one, its errors can be read from `stderr`. */
  readonly outputFd?: number;
  /** They arrive as descriptors 3, 4, … */
  readonly extraFds?: readonly (number | "pipe" | "ignore")[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Starts a program in its own session, away from the terminal's signals. */
export function spawnDetached(program: string, args: readonly string[], options: DetachedOptions = {}): ChildProcess {
  return spawnWithInput("ignore", program, args, options);
}

/**
 * The same, but all processes of the program end when this process or the program ends, or when the child gets a SIGTERM.
 * It gets no descriptor besides the given ones. `keeper` is the path of pyro-keeper.
 */
export function spawnKept(
  keeper: string,
  program: string,
  args: readonly string[],
  options: DetachedOptions = {},
): ChildProcess {
  // The keeper waits for the other end of the pipe, which is open while this process lives.
  const descriptors = 3 + (options.extraFds?.length ?? 0);
  const child = spawnWithInput("pipe", keeper, [String(descriptors), program, ...args], options);
  child.stdin?.on("error", () => {});
  return child;
}

/** Lets the processes of a kept child outlive this process. Resolves when that holds even if this process is killed. */
export function letOutlive({ stdin }: ChildProcess): Promise<void> {
  // A child that has ended takes nothing more; its outcome says so.
  return new Promise((resolve) => stdin?.write("k", () => resolve()) ?? resolve());
}

/** Writes to a further descriptor of a child, and closes it. A child that ends before it has read everything is not an error here. */
export function sendToDescriptor(child: ChildProcess, descriptor: number, content: string | Uint8Array): void {
  // A program that could not be started has no streams.
  const streams = child.stdio as readonly unknown[] | undefined;
  const input = streams?.[descriptor];
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
  const child = spawn(program, args, {
    detached: true,
    stdio: [input, outputFd ?? "ignore", outputFd ?? "pipe", ...(extraFds ?? [])],
    ...(env ? { env } : {}),
    ...(cwd ? { cwd } : {}),
  });
  // Its outcome says so too: see `describeEnd`.
  child.on("error", () => {});
  return child;
}
