import { Calls, lineOf } from "./calls.js";
import type { Execution } from "./execution.js";
import type {
  CallOptions,
  CreateTaskOptions,
  ExecCommandOptions,
  ExecTaskOptions,
  ListTasksOptions,
  OutputOptions,
  PruneOptions,
  PullOptions,
  PushOptions,
  PyroOptions,
  RunOptions,
  SignalOptions,
  VmOptions,
} from "./options.js";
import type {
  CommandOutput,
  DeletedTask,
  DeletedVm,
  DoctorReport,
  EnvironmentDetails,
  EnvironmentList,
  PruneReport,
  PulledEnvironment,
  PushResult,
  ReapReport,
  RunResult,
  SentSignal,
  TaskExecResult,
  TaskInfo,
  TaskList,
  TaskLogs,
  Vm,
  VmNetwork,
} from "./results.js";
import { createServer, type McpServer } from "./server.js";
import { Task } from "./task.js";

/**
 * Everything that can be asked of pyro. Nothing happens before the first call, which starts the daemon when there is none.
 * Every method rejects with a `PyroError` whose `code` says what to do; a command that fails is a result.
 */
export class Pyro {
  /** The same as the package's `createServer`. */
  static readonly createServer = createServer;
  readonly #calls: Calls;
  readonly #options: PyroOptions;

  constructor(options: PyroOptions = {}) {
    this.#calls = new Calls(options);
    this.#options = options;
  }

  /** The MCP server of this home, to be connected to a transport. */
  createServer(): McpServer {
    return createServer(this.#options);
  }

  /** The environments that can be used here. */
  listEnvironments(): Promise<EnvironmentList> {
    return this.#calls.request("env.list", {});
  }

  /** Builds an environment on this host; checks and repairs one that is there. Rejects with `ENVIRONMENT_BUILD_FAILED`. */
  pullEnvironment(environment: string, { rebuild, ...options }: PullOptions = {}): Promise<PulledEnvironment> {
    return this.#calls.request("env.pull", { environment, rebuild }, options);
  }

  /** One environment, its packages and digests. Rejects with `ENVIRONMENT_UNKNOWN`. */
  inspectEnvironment(environment: string): Promise<EnvironmentDetails> {
    return this.#calls.request("env.inspect", { environment });
  }

  /** Removes what no VM uses: environments, templates, leftovers. */
  pruneEnvironments(options: PruneOptions = {}): Promise<PruneReport> {
    return this.#calls.request("env.prune", { ...options });
  }

  /**
   * Runs one command in a fresh VM and removes the VM. Rejects with `ENVIRONMENT_UNKNOWN`, `HOST_NOT_ABLE` when no VM can run
   * here, `RESOURCE_EXHAUSTED` when the host has not the memory.
   */
  runInVm(environment: string, options: RunOptions): Execution<RunResult> {
    const { command, signal, stdin, check, onProgress, onStdout, onStderr, ...shape } = options;
    const input = { ...shape, environment, command: lineOf(command) };
    return this.#calls.execute("vm.run", input, { signal, stdin, check, onProgress, onStdout, onStderr });
  }

  /** Sets a VM up, without starting it. */
  createVm(environment: string, options: VmOptions = {}): Promise<Vm> {
    return this.#calls.request("vm.create", { ...options, environment });
  }

  /** Starts a VM. Rejects with `FAILED_PRECONDITION` when it is not as `createVm` left it. */
  startVm(vmId: string, options: CallOptions = {}): Promise<Vm> {
    return this.#calls.request("vm.start", { vmId }, options);
  }

  /** Runs one command in a started VM and removes the VM. Rejects with `FAILED_PRECONDITION` when it is not started. */
  execVm(vmId: string, options: ExecCommandOptions): Execution<RunResult> {
    const { command, signal, stdin, check, onProgress, onStdout, onStderr, ...exec } = options;
    const input = { ...exec, vmId, command: lineOf(command) };
    return this.#calls.execute("vm.exec", input, { signal, stdin, check, onProgress, onStdout, onStderr });
  }

  /** Stops a VM, which is not started again. */
  stopVm(vmId: string): Promise<Vm> {
    return this.#calls.request("vm.stop", { vmId });
  }

  /** Removes a VM, whatever its state. */
  deleteVm(vmId: string): Promise<DeletedVm> {
    return this.#calls.request("vm.delete", { vmId });
  }

  /** What is known of a VM. */
  statusVm(vmId: string): Promise<Vm> {
    return this.#calls.request("vm.status", { vmId });
  }

  /** A VM's addresses, policy, and what was refused. Rejects with `NOT_FOUND`. */
  networkInfoVm(vmId: string): Promise<VmNetwork> {
    return this.#calls.request("vm.network_info", { vmId });
  }

  /** Removes VMs and tasks whose time is over, at once instead of within a second. */
  reapExpired(): Promise<ReapReport> {
    return this.#calls.request("vm.reap_expired", {});
  }

  /**
   * Starts a VM that stays, its workspace empty or filled from this machine. Rejects as `runInVm` does, and as `pushTaskSync` does
   * for a source: then there is no task.
   */
  async createTask(environment: string, options: CreateTaskOptions = {}): Promise<Task> {
    const { signal, onProgress, ...shape } = options;
    const input = { ...shape, environment };
    return new Task(this, await this.#calls.request("task.create", input, { signal, onProgress }));
  }

  /** A handle on a task that is there already, by its id or name. Rejects with `NOT_FOUND`. */
  async openTask(taskId: string): Promise<Task> {
    return new Task(this, await this.statusTask(taskId));
  }

  /**
   * Brings a directory, file, .tar, .tar.gz or .tgz of this machine into a task's workspace: all of it, or nothing. Rejects with the code
   * of the first thing wrong with the source (`SOURCE_…`, `ARCHIVE_…`) or in the workspace (`WORKSPACE_…`).
   */
  pushTaskSync(taskId: string, sourcePath: string, options: PushOptions = {}): Promise<PushResult> {
    const { signal, onProgress, ...how } = options;
    const input = { ...how, taskId, sourcePath };
    return this.#calls.request("task.sync.push", input, { signal, onProgress });
  }

  /** Runs a command in a task: see `Task.exec`. */
  execTask(taskId: string, options: ExecTaskOptions): Execution<TaskExecResult> {
    const { command, signal, stdin, check, onProgress, onStdout, onStderr, ...exec } = options;
    const input = { ...exec, taskId, command: lineOf(command) };
    return this.#calls.execute("task.exec", input, { signal, stdin, check, onProgress, onStdout, onStderr });
  }

  /** What a command of a task wrote, from a place on; can wait for more. */
  outputTask(taskId: string, sequence: number, options: OutputOptions = {}): Promise<CommandOutput> {
    return this.#calls.request("task.exec_output", { ...options, taskId, sequence });
  }

  /** Sends a signal to a running command and all it started. Rejects with `FAILED_PRECONDITION` when it has ended. */
  signalTask(taskId: string, sequence: number, options: SignalOptions = {}): Promise<SentSignal> {
    return this.#calls.request("task.exec_signal", { ...options, taskId, sequence });
  }

  /** What is known of a task. */
  statusTask(taskId: string): Promise<TaskInfo> {
    return this.#calls.request("task.status", { taskId });
  }

  /** Every command of a task with its output. */
  logsTask(taskId: string): Promise<TaskLogs> {
    return this.#calls.request("task.logs", { taskId });
  }

  /** Removes a task, its VM and its logs; commands that run are aborted. */
  deleteTask(taskId: string): Promise<DeletedTask> {
    return this.#calls.request("task.delete", { taskId });
  }

  /** The tasks of this home, or those with some labels. */
  listTasks(options: ListTasksOptions = {}): Promise<TaskList> {
    return this.#calls.request("task.list", { ...options });
  }

  /** Whether this host can run VMs, and what is missing. */
  doctor(): Promise<DoctorReport> {
    return this.#calls.request("doctor", {});
  }
}
