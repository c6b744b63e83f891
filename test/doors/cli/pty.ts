import { spawn, type ChildProcess } from "node:child_process";
import type { Writable } from "node:stream";
import { fileURLToPath } from "node:url";

import { until } from "../../client/scratch.js";

const bridge = fileURLToPath(new URL("../../../../test/doors/cli/on-terminal.py", import.meta.url));

/** Ends a program that hangs; its test then fails. */
const DEADLINE_MS = 120_000;

interface PtyOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly rows?: number;
  readonly cols?: number;
}

/** A program on a terminal of its own, as for a person. */
export class Pty {
  readonly #child: ChildProcess;
  #shown = "";
  /** Resolves when the program has ended: its exit status (negative for a signal), and whether the terminal was restored. */
  readonly ended: Promise<{ readonly status: number; readonly restored: boolean }>;

  constructor(command: readonly string[], { env, rows = 24, cols = 80 }: PtyOptions) {
    this.#child = spawn("python3", [bridge, String(rows), String(cols), ...command], {
      env: { ...env, TERM: "xterm-256color" },
      stdio: ["pipe", "pipe", "inherit", "pipe", "pipe"],
    });
    this.#child.stdin?.on("error", () => {});
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#shown += text));
    let report = "";
    this.#child.stdio[4]?.on("data", (text: Buffer) => (report += text.toString()));
    this.ended = new Promise((resolve, reject) => {
      this.#child.once("close", () => {
        if (report === "") reject(new Error("the terminal's bridge has failed"));
        else resolve(JSON.parse(report) as Awaited<Pty["ended"]>);
      });
    });
    this.ended.catch(() => {});
    const deadline = setTimeout(() => this.#child.kill("SIGKILL"), DEADLINE_MS).unref();
    this.#child.once("close", () => clearTimeout(deadline));
  }

  /** Everything that was shown so far. */
  get shown(): string {
    return this.#shown;
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Waits until the terminal has shown a text; forgets what was shown up to it, and returns that. */
  async until(text: string | RegExp): Promise<string> {
    const find = () => {
      if (typeof text !== "string") return text.exec(this.#shown);
      const index = this.#shown.indexOf(text);
      return index === -1 ? null : { index, 0: text };
    };
    await until(`the terminal shows ${text}`, () => find() !== null).catch((error: unknown) => {
      throw new Error(`the terminal does not show ${text} but ${JSON.stringify(this.#shown.slice(-2000))}`, {
        cause: error,
      });
    });
    const found = find()!;
    const end = found.index + found[0].length;
    const before = this.#shown.slice(0, end);
    this.#shown = this.#shown.slice(end);
    return before;
  }

  resize(rows: number, cols: number): void {
    this.#control(`size ${rows} ${cols}`);
  }

  /** Sends the program a signal by its number. */
  signal(number: number): void {
    this.#control(`signal ${number}`);
  }

  #control(line: string): void {
    (this.#child.stdio[3] as Writable).write(`${line}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended.catch(() => {});
  }
}
