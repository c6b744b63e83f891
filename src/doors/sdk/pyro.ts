import type { PyroOptions } from "./call-options.js";
import { Calls } from "./calls.js";
import { Operations } from "./operations.js";
import type { CreateTaskOptions } from "./options.js";
import type { CreatedTask } from "./results.js";
import { createServer, type McpServer } from "./server.js";
import { Task } from "./task.js";

/**
 * All operations of pyro. The first call starts the daemon if it does not run.
 * Every method rejects with a `PyroError`, which has a `code`. A failed command is a result.
 */
export class Pyro extends Operations {
  /** The same as the package's `createServer`. */
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

  /** A handle on an existing task, by its id or name. Rejects with `NOT_FOUND`. */
  async openTask(taskId: string): Promise<Task> {
    return new Task(this, await this.statusTask(taskId));
  }
}
