// Copy it into your project: see docs/plugins.md. Tested by `make test-plugins`.
import { basename } from "node:path";

import {
  DirectoryNotEmptyError,
  FileExistsError,
  FileNotFoundError,
  IsDirectoryError,
  MastraFilesystem,
  NotDirectoryError,
  PermissionError,
  type CopyOptions,
  type FileContent,
  type FileEntry,
  type FileStat,
  type ListOptions,
  type ProviderStatus,
  type ReadOptions,
  type RemoveOptions,
  type WriteOptions,
} from "@mastra/core/workspace";
import { PyroError, type Task } from "pyro-mcp";

import type { PyroSandbox } from "./mastra-sandbox.js";

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
