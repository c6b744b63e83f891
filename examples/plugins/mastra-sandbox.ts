// Copy it into your project: see docs/plugins.md. Tested by `make test-plugins`.
import {
  MastraSandbox,
  SandboxExecutionError,
  type CommandResult,
  type ExecuteCommandOptions,
  type ProviderStatus,
  type SandboxFileInput,
  type SandboxInfo,
} from "@mastra/core/workspace";
import { Pyro, sh, type CreateTaskOptions, type Task } from "pyro-mcp";

/** The options of `createTask`, and the environment: a name of `pyro env list` or an image; by default debian:12. */
export interface PyroSandboxOptions extends Omit<CreateTaskOptions, "signal" | "onProgress"> {
  readonly environment?: string;
}

/** A VM as the sandbox of a workspace. The first command starts it; `destroy()`, also that of the workspace, deletes it. */
export class PyroSandbox extends MastraSandbox {
  readonly id = `pyro-${crypto.randomUUID()}`;
  readonly name = "PyroSandbox";
  readonly provider = "pyro";
  status: ProviderStatus = "pending";
  readonly #options: PyroSandboxOptions;
  #task: Task | undefined;

  constructor(options: PyroSandboxOptions = {}) {
    super({ name: "PyroSandbox", workingDirectory: "/workspace" });
    this.#options = options;
  }

  /** The VM, which is started unless it runs. */
  async task(): Promise<Task> {
    await this.ensureRunning();
    return this.#task!;
  }

  override async start(): Promise<void> {
    const { environment = "debian:12", ...options } = this.#options;
    if (this.#task) await this.#task.start();
    else this.#task = await new Pyro().createTask(environment, { labels: { framework: "mastra" }, ...options });
  }

  /** Saves the VM with its processes and frees its memory; the next start continues it. */
  override async stop(): Promise<void> {
    await this.#task?.stop();
  }

  override async destroy(): Promise<void> {
    const task = this.#task;
    this.#task = undefined;
    await task?.[Symbol.asyncDispose]();
  }

  /** Runs a command for at most `timeout` milliseconds, by default 30 minutes. A time-out or an abort ends all that it has started. */
  override async executeCommand(
    command: string,
    args: string[] = [],
    options: ExecuteCommandOptions = {},
  ): Promise<CommandResult> {
    const { timeout = 1_800_000, cwd = this.workingDirectory, abortSignal: signal, onStdout, onStderr } = options;
    const line = args.length > 0 ? `${command} ${sh`${args}`}` : command;
    const env = Object.fromEntries(
      Object.entries({ ...this.getEnv(), ...options.env }).filter(([, value]) => value !== undefined),
    );
    const result = await (
      await this.task()
    ).exec(line, {
      ...{ cwd, env: env as Record<string, string>, signal },
      timeoutSeconds: Math.min(Math.max(1, Math.ceil(timeout / 1000)), 86_400),
      ...(onStdout && { onStdout: ({ text }) => onStdout(text) }),
      ...(onStderr && { onStderr: ({ text }) => onStderr(text) }),
    });
    if (result.error) throw new SandboxExecutionError(result.error.message, 126, "", result.error.message);
    const exitCode = result.exitCode ?? 137;
    const late = result.timedOut ? `\nProcess timed out after ${timeout}ms` : "";
    if (late) onStderr?.(late);
    return {
      ...{ command: line, success: exitCode === 0 && !result.aborted, exitCode, executionTimeMs: result.durationMs },
      stdout: Buffer.from(result.stdout, result.stdoutEncoding).toString(),
      stderr: Buffer.from(result.stderr, result.stderrEncoding).toString() + late,
      ...{ timedOut: result.timedOut, killed: result.timedOut || result.aborted },
      ...{ stdoutTruncated: result.stdoutTruncated, stderrTruncated: result.stderrTruncated },
      ...{ stdoutDroppedBytes: result.stdoutOmittedBytes, stderrDroppedBytes: result.stderrOmittedBytes },
    };
  }

  override async writeFiles(files: SandboxFileInput[]): Promise<void> {
    const task = await this.task();
    for (const { path, content, mode } of files) {
      await task.writeFile(path, content, mode === undefined ? {} : { mode: mode.toString(8).padStart(4, "0") });
    }
  }

  /** The URL of a server in the VM, on the loopback address of this machine. */
  override readonly networking = {
    getPortUrl: async (port: number): Promise<string | null> =>
      this.#task ? (await this.#task.publishPort(port)).url : null,
  };

  override getInfo(): SandboxInfo {
    const { id, name, provider, status } = this;
    const info = this.#task?.info;
    const resources = info && { memoryMB: info.memMib, cpuCores: info.vcpuCount };
    const createdAt = new Date(info?.createdAt ?? Date.now());
    return {
      id,
      name,
      provider,
      status,
      createdAt,
      ...(info && { resources: resources!, metadata: { taskId: info.taskId } }),
    };
  }

  override getInstructions(): string {
    return `Commands run in a virtual machine of their own, in ${this.workingDirectory}.`;
  }
}
