import type { PyroOptions } from "./call-options.js";
import { Calls } from "./calls.js";
import { Operations } from "./operations.js";
import type { CreateTaskOptions } from "./options.js";
import type { CreatedTask } from "./results.js";
import { createServer, type McpServer } from "./server.js";
import { Task } from "./task.js";

/**
 * Everything that can be asked of pyro. Nothing happens before the first call, which starts the daemon when there is none.
 * Every method rejects with a `PyroError` whose `code` says what to do; a command that fails is a result.
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

  /** The MCP server of this home, to be connected to a transport. */
  createServer(): McpServer {
    return createServer(this.#options);
  }

  /**
   * Starts a VM that stays, its workspace empty or filled from this machine. Rejects as `runInVm` does, and as `pushTaskSync` does
   * for a source: then there is no task.
   */
  async createTask(environment: string, options: CreateTaskOptions = {}): Promise<Task> {
    return new Task(this, await this.#calls.request<CreatedTask>("task.create", { environment }, options));
  }

  /** A handle on a task that is there already, by its id or name. Rejects with `NOT_FOUND`. */
  async openTask(taskId: string): Promise<Task> {
    return new Task(this, await this.statusTask(taskId));
  }
}
