// Copy it into your project: see docs/plugins.md. Tested by `make test-plugins`.
import { basename } from "node:path";

import {
  DirectoryNotEmptyError,
  FileExistsError,
  FileNotFoundError,
  IsDirectoryError,
  MastraFilesystem,
  MastraSandbox,
  NotDirectoryError,
  PermissionError,
  SandboxExecutionError,
  type CommandResult,
  type CopyOptions,
  type ExecuteCommandOptions,
  type FileContent,
  type FileEntry,
  type FileStat,
  type ListOptions,
  type ProviderStatus,
  type ReadOptions,
  type RemoveOptions,
  type SandboxFileInput,
  type SandboxInfo,
  type WriteOptions,
} from "@mastra/core/workspace";
import { Pyro, PyroError, sh, type CreateTaskOptions, type Task } from "pyro-mcp";

/** What `createTask` takes, and the environment: a name of `pyro env list` or an image; by default debian:12. */
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

/** The files of a sandbox's VM as the file system of the same workspace. Relative paths start at /workspace. */
export class PyroFilesystem extends MastraFilesystem {
  readonly id = `pyro-files-${crypto.randomUUID()}`;
  readonly name = "PyroFilesystem";
  readonly provider = "pyro";
  readonly basePath = "/workspace";
  status: ProviderStatus = "ready";
  readonly #sandbox: PyroSandbox;

  constructor(sandbox: PyroSandbox) {
    super({ name: "PyroFilesystem" });
    this.#sandbox = sandbox;
  }

  async readFile(path: string, { encoding }: ReadOptions = {}): Promise<string | Buffer> {
    const bytes = Buffer.from(await this.#do(path, "read", (task) => task.streamFile(path).bytes()));
    return encoding ? bytes.toString(encoding) : bytes;
  }

  async writeFile(path: string, content: FileContent, { overwrite = true }: WriteOptions = {}): Promise<void> {
    if (!overwrite && (await this.exists(path))) throw new FileExistsError(path);
    await this.#do(path, "write", (task) => task.writeFile(path, content));
  }

  async appendFile(path: string, content: FileContent): Promise<void> {
    await this.#do(path, "append", (task) => task.writeFile(path, content, { append: true }));
  }

  async deleteFile(path: string, { force }: RemoveOptions = {}): Promise<void> {
    if (force && !(await this.exists(path))) return;
    if ((await this.stat(path)).type === "directory") throw new IsDirectoryError(path);
    await this.#do(path, "delete", (task) => task.removeFile(path));
  }

  async copyFile(src: string, dest: string, { overwrite = true, recursive }: CopyOptions = {}): Promise<void> {
    if (!overwrite && (await this.exists(dest))) throw new FileExistsError(dest);
    if ((await this.stat(src)).type === "directory" && !recursive) throw new IsDirectoryError(src);
    await this.#do(src, "copy", (task) => task.exec(["cp", "-aT", "--", src, dest], { check: true }));
  }

  async moveFile(src: string, dest: string, { overwrite = true }: CopyOptions = {}): Promise<void> {
    if (!overwrite && (await this.exists(dest))) throw new FileExistsError(dest);
    await this.stat(src);
    await this.#do(src, "move", (task) => task.exec(["mv", "-T", "--", src, dest], { check: true }));
  }

  async mkdir(path: string): Promise<void> {
    await this.#do(path, "mkdir", (task) => task.makeDirectory(path));
  }

  async rmdir(path: string, { recursive = false, force }: RemoveOptions = {}): Promise<void> {
    if (force && !(await this.exists(path))) return;
    if ((await this.stat(path)).type !== "directory") throw new NotDirectoryError(path);
    await this.#do(path, "rmdir", (task) => task.removeFile(path, { recursive }));
  }

  async readdir(
    path: string,
    { recursive = false, extension, maxDepth = Infinity }: ListOptions = {},
  ): Promise<FileEntry[]> {
    const endings = extension === undefined ? [""] : [extension].flat();
    const found: FileEntry[] = [];
    for (let next: string | null | undefined; next !== null;) {
      const after = next;
      // With the slash a file is refused.
      const page = await this.#do(path, "list", (task) =>
        task.listFiles(`${path}/`, { recursive, limit: 10_000, after }),
      );
      for (const { path: name, type, sizeBytes, target } of page.entries) {
        const isDirectory = type === "directory";
        if (name.split("/").length > maxDepth + 1 || !(isDirectory || endings.some((end) => name.endsWith(end))))
          continue;
        const link = target === null ? {} : { isSymlink: true, symlinkTarget: target };
        found.push({ name, type: isDirectory ? "directory" : "file", size: sizeBytes, ...link });
      }
      next = page.nextAfter;
    }
    return found;
  }

  async exists(path: string): Promise<boolean> {
    return this.stat(path).then(
      () => true,
      (error: unknown) => {
        if (error instanceof FileNotFoundError) return false;
        throw error;
      },
    );
  }

  async stat(path: string): Promise<FileStat> {
    const { type, sizeBytes: size, modifiedAt } = await this.#do(path, "stat", (task) => task.statFile(path));
    const at = new Date(modifiedAt);
    return {
      name: basename(path),
      path,
      type: type === "directory" ? "directory" : "file",
      size,
      createdAt: at,
      modifiedAt: at,
    };
  }

  /** Does something in the VM, and throws the errors of Mastra's file systems. */
  async #do<Value>(path: string, operation: string, work: (task: Task) => PromiseLike<Value>): Promise<Value> {
    try {
      return await work(await this.#sandbox.task());
    } catch (error) {
      const number = error instanceof PyroError ? error.details["errno"] : undefined;
      if (number === "ENOENT") throw new FileNotFoundError(path);
      if (number === "EISDIR") throw new IsDirectoryError(path);
      if (number === "ENOTDIR") throw new NotDirectoryError(path);
      if (number === "ENOTEMPTY") throw new DirectoryNotEmptyError(path);
      if (number === "EACCES" || number === "EPERM") throw new PermissionError(path, operation);
      throw error;
    }
  }
}
