import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Channel } from "../../src/guest/channel.js";
import { connectUnixWhenReady } from "../../src/host/socket.js";

const AGENT = fileURLToPath(new URL("../../../guest/build/pyro-agent", import.meta.url));

/** The real agent as a plain process, from which hosts may disconnect and reconnect. */
export class AgentProcess implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "pa-"));
  readonly socketPath = join(this.#directory, "agent.sock");
  readonly workspace = join(this.#directory, "workspace");
  readonly #child: ChildProcess;

  /** The file that is its mailbox, half of it for each direction; null when it has none. */
  readonly mailboxPath: string | null;

  constructor({ mailboxBytes = 0 } = {}) {
    mkdirSync(this.workspace);
    this.mailboxPath = mailboxBytes === 0 ? null : join(this.#directory, "mailbox");
    const more = this.mailboxPath === null ? [] : ["--mailbox", this.mailboxPath];
    if (this.mailboxPath !== null) writeFileSync(this.mailboxPath, Buffer.alloc(2 * mailboxBytes));
    const args = ["--listen", this.socketPath, "--workspace", this.workspace, ...more];
    this.#child = spawn(AGENT, args, { stdio: "inherit" });
  }

  /** A new session; an earlier one ends. */
  async connect(): Promise<Channel> {
    const socket = await connectUnixWhenReady(this.socketPath, 60_000, new AbortController().signal);
    return Channel.open(socket, {
      deadlineMs: 60_000,
      ...(this.mailboxPath !== null && { mailboxPath: this.mailboxPath }),
    });
  }

  /** Pauses the agent, or continues it; its commands keep running. */
  setStill(isStill: boolean): void {
    this.#child.kill(isStill ? "SIGSTOP" : "SIGCONT");
  }

  /** A connection without a sync record, for bytes of the test's own. */
  raw(): ReturnType<typeof connect> {
    return connect(this.socketPath);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
    rmSync(this.#directory, { recursive: true });
  }
}
