import type { ByteStream } from "./byte-stream.js";
import type {
  PyroOptions,
  StreamTaskExportOptions,
  StreamTaskFileOptions,
  WatchTaskEvent,
  WatchTaskOptions,
} from "./call-options.js";
import { Calls } from "./calls.js";
import { Operations } from "./operations.js";
import type { CreateTaskOptions } from "./options.js";
import type { CreatedTask } from "./results.js";
import { createServer, type McpServer } from "./server.js";
import type { Shell, ShellTaskOptions } from "./shell.js";
import { Task } from "./task.js";

/**
 * All operations of pyro. The first call starts the daemon if it does not run.
 * Every method rejects with a `PyroError`, which has a `code`. A failed command is a result.
 */
export class Pyro extends Operations {
  /** The `createServer` of the package. */
  static readonly createServer = createServer;
  readonly #calls: Calls;
  readonly #options: PyroOptions;

  constructor(options: PyroOptions = {}) {
    const calls = new Calls(options);
    super(calls);
    this.#calls = calls;
    this.#options = options;
  }

  /** The MCP server of this home; connect it to a transport. */
  createServer(): McpServer {
    return createServer(this.#options);
  }

  /**
   * Starts a persistent VM with a workspace, empty or filled from this machine. Rejects as `runInVm` does, and as `pushTaskSync` does
   * for a source; then no task exists.
   */
  async createTask(environment: string, options: CreateTaskOptions = {}): Promise<Task> {
    return new Task(this, await this.#calls.request<CreatedTask>("task.create", { environment }, options));
  }

  /**
   * The bytes of a file of a task, as they are read: of any size, in little memory. Throws as `readTaskFile` does, when it is read.
   * `await pyro.streamTaskFile(task, "photo.png").bytes()` reads all of them.
   */
  streamTaskFile(taskId: string, path: string, options: StreamTaskFileOptions = {}): ByteStream {
    return this.#calls.stream("task.file.fetch", { taskId, path }, options);
  }

  /** Files of a task as a tar archive, as they are read. Throws as `exportTask` does, when it is read. */
  streamTaskExport(taskId: string, path: string, options: StreamTaskExportOptions = {}): ByteStream {
    return this.#calls.stream("task.export", { taskId, path }, options);
  }

  /**
   * Pushes a directory to a task, and pushes it again whenever something in it changes: `for await (const event of pyro.watchTask(…))`.
   * It ends with the signal, or when the reader stops. Throws when the task or the directory is gone.
   */
  watchTask(taskId: string, sourcePath: string, options: WatchTaskOptions = {}): AsyncGenerator<WatchTaskEvent> {
    return this.#calls.watch({ taskId, sourcePath }, options);
  }

  /**
   * A named terminal of a task in both directions, which other clients may attach to later; starts it unless it runs. Rejects as
   * `openShell` does.
   */
  shellTask(taskId: string, options: ShellTaskOptions = {}): Promise<Shell> {
    return this.#calls.shell(this, { ...options, taskId });
  }

  /** A handle on an existing task, by its id or name. Rejects with `NOT_FOUND`. */
  async openTask(taskId: string): Promise<Task> {
    return new Task(this, await this.statusTask(taskId));
  }
}
