import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface, type Interface } from "node:readline";

const STDERR_TAIL = 4_096;

interface ShellOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A shell that runs one line after the other, each in its own `sh -c`. */
export class ShellProcess {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;
  #stderr = "";

  /** `prefix` is the command that starts the shell, such as a sandbox; empty for none. */
  constructor(prefix: readonly string[], { cwd, env }: ShellOptions) {
    const [program = "sh", ...args] = [...prefix, "sh"];
    const child = spawn(program, args, { cwd, env, detached: true, stdio: "pipe" });
    child.on("error", (error) => (this.#stderr = error.message));
    child.stdin.on("error", () => {});
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL);
    });
    this.#child = child;
    this.#reader = createInterface({ input: child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  /** Throws, with the end of standard error, when the line fails or the shell is gone. */
  async run(line: string): Promise<void> {
    this.#stderr = "";
    this.#child.stdin?.write(`sh -c '${line.replaceAll("'", `'\\''`)}' </dev/null >&2; echo "$?"\n`);
    const { value, done } = await this.#lines.next();
    if (done || value !== "0") {
      throw new Error(`${done ? "the shell ended" : `status ${value}`}: ${line}\n${this.#stderr}`);
    }
  }

  /** Ends the shell, and with it the sandbox around it. */
  async close(): Promise<void> {
    const { exitCode, signalCode, pid } = this.#child;
    const ended = exitCode !== null || signalCode !== null || pid === undefined ? null : once(this.#child, "close");
    this.#child.stdin?.end();
    await ended;
    this.#reader.close();
  }
}
