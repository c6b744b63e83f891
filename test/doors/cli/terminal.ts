import { spawn, type ChildProcess } from "node:child_process";

import { until } from "../../client/scratch.js";

/** Runs a program on a terminal of its own; what is written to standard input is typed there. */
const SPAWN = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";

/** A program on a pseudo-terminal. */
export class Terminal {
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  /** Everything on the screen so far, without carriage returns. */
  screen = "";

  constructor(argv: readonly string[], env: NodeJS.ProcessEnv) {
    this.#child = spawn("python3", ["-c", SPAWN, ...argv], { env, stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.screen += text.replaceAll("\r", "")));
    this.#exited = new Promise((resolve) => this.#child.once("close", resolve));
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  async shows(text: string): Promise<void> {
    await until(`the terminal shows ${JSON.stringify(text)}`, () => this.screen.includes(text)).catch(
      (error: unknown) => {
        // The program would keep the failed test's process alive.
        this.#child.kill("SIGKILL");
        this.#child.stdin?.destroy();
        throw new Error(`the terminal shows ${JSON.stringify(this.screen)}`, { cause: error });
      },
    );
  }

  /** The exit status of the program. */
  async ended(): Promise<number | null> {
    const status = await this.#exited;
    this.#child.stdin?.destroy();
    return status;
  }
}
