import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { chown, mkdir, rm } from "../../host/files.js";
import { readProcessIdentity, sendSignal, spawnDetached, type ChildProcess } from "../../host/process.js";
import type { Accelerator } from "../backend.js";
import { buildJailArgs } from "./jail.js";
import type { Toolchain } from "./toolchain.js";

export interface VmProcessSpec {
  readonly toolchain: Toolchain;
  readonly accelerator: Accelerator;
  readonly qemuArgs: readonly string[];
  /** Further mounts: [host path, path inside, may write]. */
  readonly mounts: readonly (readonly [string, string, boolean])[];
  /** Holds the sockets; made here, removed with the process. */
  readonly runDirectory: string;
  /** Arrives in QEMU as descriptor 3. */
  readonly stateFd: number | null;
}

const STATUS_FD = 4;
const KEPT_OUTPUT = 4_096;
const END_GRACE_MS = 500;

/** One QEMU in its jail. */
export class VmProcess {
  readonly qmpSocket: string;
  readonly agentSocket: string;
  /** Resolves with the reason when the process is gone, whoever ended it. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #runDirectory: string;
  #inside: number | null = null;
  #insideKnown: Promise<void>;
  #output = "";

  private constructor(child: ChildProcess, runDirectory: string) {
    this.#child = child;
    this.#runDirectory = runDirectory;
    this.qmpSocket = join(runDirectory, "qmp.sock");
    this.agentSocket = join(runDirectory, "agent.sock");
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#output = (this.#output + text).slice(-KEPT_OUTPUT);
    });
    this.ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(`it could not be started: ${error.message}`));
      child.once("close", (code, signal) => resolve(this.#describeEnd(code, signal)));
    });
    this.#insideKnown = this.#readStatus(child);
  }

  static async start(spec: VmProcessSpec): Promise<VmProcess> {
    const { toolchain, runDirectory } = spec;
    await mkdir(runDirectory, { recursive: true, mode: 0o700 });
    if (toolchain.dropTo) await chown(runDirectory, toolchain.dropTo.uid, toolchain.dropTo.gid);
    const args = buildJailArgs({
      bwrap: toolchain.bwrap,
      system: toolchain.system,
      dropTo: toolchain.dropTo,
      devices: spec.accelerator === "kvm" ? ["/dev/kvm"] : [],
      mounts: [...spec.mounts, [runDirectory, "/pyro/run", true]],
      diesWithDaemon: true,
      statusFd: STATUS_FD,
    });
    const child = spawnDetached(toolchain.bwrap, [...args, toolchain.qemu, ...spec.qemuArgs], {
      extraFds: [spec.stateFd ?? "ignore", "pipe"],
    });
    return new VmProcess(child, runDirectory);
  }

  /** Ends it at once, waits until it is gone, and removes its sockets. */
  async kill(): Promise<void> {
    await Promise.race([this.#insideKnown, this.ended]);
    const target = this.#inside ?? this.#child.pid;
    const identity = target === undefined ? null : readProcessIdentity(target);
    if (identity) sendSignal(identity, "SIGKILL");
    await this.ended;
    await rm(this.#runDirectory, { recursive: true, force: true });
  }

  /** Waits for what needs a living process. When the process ends first, that is the error: VM_START_FAILED with QEMU's words. */
  async during<T>(work: Promise<T>): Promise<T> {
    const ended = this.ended.then((reason) => {
      throw new PyroError("VM_START_FAILED", `QEMU ended: ${reason}`);
    });
    try {
      return await Promise.race([work, ended]);
    } catch (error) {
      // A socket may close before its process is known to be gone.
      const moment = new Promise<never>((_, reject) => setTimeout(reject, END_GRACE_MS, error).unref());
      return PyroError.from(error).code === "VM_DIED" ? await Promise.race([ended, moment]) : Promise.reject(error);
    }
  }

  #describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
    const how = signal ? `killed by ${signal}` : `exit status ${code}`;
    const lines = this.#output.trim();
    return lines === "" ? how : `${how}; it said: ${lines}`;
  }

  #readStatus(child: ChildProcess): Promise<void> {
    const status = child.stdio[STATUS_FD];
    return new Promise((resolve) => {
      if (!status || !("on" in status)) return resolve();
      let text = "";
      status.on("data", (chunk: Buffer) => {
        text = (text + chunk.toString("utf8")).slice(-KEPT_OUTPUT);
        const pid = /"child-pid":\s*(\d+)/.exec(text)?.[1];
        if (pid === undefined) return;
        this.#inside = Number(pid);
        resolve();
      });
      status.on("close", () => resolve());
      status.on("error", () => resolve());
    });
  }
}
