import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { until } from "../client/scratch.js";

/** A real terminal: the only pane of a tmux server of its own, with bash in it. */
export class Tmux implements Disposable {
  readonly #socket: string;
  readonly #env: NodeJS.ProcessEnv;

  /** `directory` belongs to the test; the socket of tmux is put there. */
  constructor(directory: string, env: NodeJS.ProcessEnv, { rows = 24, cols = 80 } = {}) {
    this.#socket = join(directory, "tmux.sock");
    this.#env = { ...env, LANG: "C.UTF-8", HOME: directory };
    this.#run("new-session", "-d", "-x", `${cols}`, "-y", `${rows}`, "env 'PS1=host> ' bash --norc");
    this.#run("set-option", "-g", "status", "off");
    this.#run("resize-window", "-x", `${cols}`, "-y", `${rows}`);
  }

  /** Presses keys by tmux's names, such as C-c, Escape or Enter. */
  press(...keys: string[]): void {
    this.#run("send-keys", ...keys);
  }

  /** Types a text as it is. */
  type(text: string): void {
    this.#run("send-keys", "-l", text);
  }

  /** Types a line and Enter. */
  enter(line: string): void {
    this.type(line);
    this.press("Enter");
  }

  paste(text: string): void {
    execFileSync("tmux", [...this.#server, "load-buffer", "-"], { input: text, env: this.#env });
    this.#run("paste-buffer", "-d");
  }

  resize(rows: number, cols: number): void {
    this.#run("resize-window", "-x", `${cols}`, "-y", `${rows}`);
  }

  /** The text that a person sees. */
  get screen(): string {
    return this.#run("capture-pane", "-p");
  }

  /** The same with colours and attributes. */
  get colours(): string {
    return this.#run("capture-pane", "-p", "-e");
  }

  /** True while a program draws on the alternate screen. */
  get isAlternate(): boolean {
    return this.#run("display-message", "-p", "#{alternate_on}").trim() === "1";
  }

  /** The modes of the terminal, as `stty -a` prints them. */
  get modes(): string {
    const tty = this.#run("display-message", "-p", "#{pane_tty}").trim();
    return execFileSync("stty", ["-F", tty, "-a"], { encoding: "utf8" });
  }

  /** The program that the shell in the pane runs. */
  get child(): number {
    const shell = this.#run("display-message", "-p", "#{pane_pid}").trim();
    return Number(readFileSync(`/proc/${shell}/task/${shell}/children`, "utf8").trim().split(" ")[0]);
  }

  async shows(text: string | RegExp): Promise<void> {
    const isThere = () => (typeof text === "string" ? this.screen.includes(text) : text.test(this.screen));
    await until(`the terminal shows ${text}`, isThere).catch((error: unknown) => {
      throw new Error(`the terminal does not show ${text} but\n${this.screen}`, { cause: error });
    });
  }

  /** Leaves an empty screen with a prompt of the host's shell. */
  async clear(): Promise<void> {
    this.press("C-l");
    await this.shows(/^host> *\n*$/);
  }

  [Symbol.dispose](): void {
    if (existsSync(this.#socket)) this.#run("kill-server");
  }

  get #server(): string[] {
    return ["-u", "-S", this.#socket, "-f", "/dev/null"];
  }

  #run(...words: string[]): string {
    return execFileSync("tmux", [...this.#server, ...words], { encoding: "utf8", env: this.#env });
  }
}
