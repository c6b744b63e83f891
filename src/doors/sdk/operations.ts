// Rendered from src/contract/ by `npm run build`. Do not edit.
import type { CallOptions, Command } from "./call-options.js";
import type { Caller } from "./caller.js";
import type { Execution } from "./execution.js";
import type {
  ExecCommandOptions,
  ExecTaskOptions,
  ListTasksOptions,
  OutputOptions,
  PruneOptions,
  PullOptions,
  PushOptions,
  RunOptions,
  SignalOptions,
  TaskExecOptions,
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
  SignalName,
  TaskExecResult,
  TaskInfo,
  TaskList,
  TaskLogs,
  Vm,
  VmNetwork,
} from "./results.js";

/** One method for each operation of the contract. A failed command is a result; everything else rejects with a `PyroError`. */
export class Operations {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /**
   * Run one command in a fresh VM, then remove the VM. Fails with `ENVIRONMENT_UNKNOWN`, with `HOST_NOT_ABLE` when no
   * VM can run here, with `RESOURCE_EXHAUSTED` when the host lacks the memory.
   */
  runInVm(environment: string, options: RunOptions): Execution<RunResult> {
    return this.#caller.execute("vm.run", { environment }, options);
  }

  /** Set a VM up, without starting it. */
  createVm(environment: string, options: VmOptions = {}): Promise<Vm> {
    return this.#caller.request("vm.create", { ...options, environment });
  }

  /** Start a VM. Fails with `FAILED_PRECONDITION` when it was started or stopped before. */
  startVm(vmId: string, options: CallOptions = {}): Promise<Vm> {
    return this.#caller.request("vm.start", { vmId }, options);
  }

  /** Run one command in a started VM, then remove the VM. Fails with `FAILED_PRECONDITION` when it is not started. */
  execVm(vmId: string, options: ExecCommandOptions): Execution<RunResult> {
    return this.#caller.execute("vm.exec", { vmId }, options);
  }

  /** Stop a VM; it cannot be started again. */
  stopVm(vmId: string): Promise<Vm> {
    return this.#caller.request("vm.stop", { vmId });
  }

  /** Remove a VM. */
  deleteVm(vmId: string): Promise<DeletedVm> {
    return this.#caller.request("vm.delete", { vmId });
  }

  /** Show one VM. */
  statusVm(vmId: string): Promise<Vm> {
    return this.#caller.request("vm.status", { vmId });
  }

  /** Show a VM's addresses, policy, and what was refused. Fails with `NOT_FOUND`. */
  networkInfoVm(vmId: string): Promise<VmNetwork> {
    return this.#caller.request("vm.network_info", { vmId });
  }

  /** Remove VMs and tasks whose time is over. They are removed at once instead of within a second. */
  reapExpired(): Promise<ReapReport> {
    return this.#caller.request("vm.reap_expired", {});
  }

  /**
   * Bring a directory or an archive into a task's workspace, all of it or nothing. Fails with the code of the first
   * thing wrong with the source (`SOURCE_…`, `ARCHIVE_…`) or in the workspace (`WORKSPACE_…`).
   */
  pushTaskSync(taskId: string, sourcePath: string, options: PushOptions = {}): Promise<PushResult> {
    return this.#caller.request("task.sync.push", { taskId, sourcePath }, options);
  }

  /**
   * Run a command in a task; the task stays. Several may run at once. When the daemon dies meanwhile, the command goes
   * on, and so does this call. Fails with `FAILED_PRECONDITION` when the VM is gone, with `RESOURCE_EXHAUSTED` when 64
   * commands run already.
   */
  execTask(taskId: string, options: ExecTaskOptions): Execution<TaskExecResult> {
    return this.#caller.execute("task.exec", { taskId }, options);
  }

  /** Read a command's output from a place on. */
  outputTask(taskId: string, sequence: number, options: OutputOptions = {}): Promise<CommandOutput> {
    return this.#caller.request("task.exec_output", { ...options, taskId, sequence });
  }

  /**
   * Send a signal to a running command; KILL ends all it started. Fails with `FAILED_PRECONDITION` when it has ended.
   */
  signalTask(taskId: string, sequence: number, options: SignalOptions = {}): Promise<SentSignal> {
    return this.#caller.request("task.exec_signal", { ...options, taskId, sequence });
  }

  /** Show one task. */
  statusTask(taskId: string): Promise<TaskInfo> {
    return this.#caller.request("task.status", { taskId });
  }

  /** Show every command of a task with its output. */
  logsTask(taskId: string): Promise<TaskLogs> {
    return this.#caller.request("task.logs", { taskId });
  }

  /** List the tasks. */
  listTasks(options: ListTasksOptions = {}): Promise<TaskList> {
    return this.#caller.request("task.list", { ...options });
  }

  /** Remove a task, its VM and its logs; commands that run are aborted. */
  deleteTask(taskId: string): Promise<DeletedTask> {
    return this.#caller.request("task.delete", { taskId });
  }

  /** List the environments. */
  listEnvironments(): Promise<EnvironmentList> {
    return this.#caller.request("env.list", {});
  }

  /**
   * Build an environment on this host from the distribution's signed packages. One that is there is checked, and
   * repaired. Fails with `ENVIRONMENT_BUILD_FAILED`.
   */
  pullEnvironment(environment: string, options: PullOptions = {}): Promise<PulledEnvironment> {
    return this.#caller.request("env.pull", { environment }, options);
  }

  /** Show one environment, its packages and digests. Fails with `ENVIRONMENT_UNKNOWN`. */
  inspectEnvironment(environment: string): Promise<EnvironmentDetails> {
    return this.#caller.request("env.inspect", { environment });
  }

  /** Remove what no VM uses: environments, templates, leftovers. */
  pruneEnvironments(options: PruneOptions = {}): Promise<PruneReport> {
    return this.#caller.request("env.prune", { ...options });
  }

  /** Say whether this host can run VMs, and what is missing. */
  doctor(): Promise<DoctorReport> {
    return this.#caller.request("doctor", {});
  }
}

/** The operations of one task: a method for each whose first field is `task_id`. */
export class TaskOperations {
  readonly taskId: string;
  readonly #operations: Operations;

  constructor(operations: Operations, taskId: string) {
    this.#operations = operations;
    this.taskId = taskId;
  }

  /** Bring a directory or an archive into a task's workspace, all of it or nothing: see `Pyro.pushTaskSync`. */
  syncPush(sourcePath: string, options: PushOptions = {}): Promise<PushResult> {
    return this.#operations.pushTaskSync(this.taskId, sourcePath, options);
  }

  /** Run a command in a task; the task stays: see `Pyro.execTask`. */
  exec(command: Command, options: TaskExecOptions = {}): Execution<TaskExecResult> {
    return this.#operations.execTask(this.taskId, { ...options, command });
  }

  /** Read a command's output from a place on: see `Pyro.outputTask`. */
  output(sequence: number, options: OutputOptions = {}): Promise<CommandOutput> {
    return this.#operations.outputTask(this.taskId, sequence, options);
  }

  /** Send a signal to a running command; KILL ends all it started: see `Pyro.signalTask`. */
  signal(sequence: number, signal: SignalName = "TERM"): Promise<SentSignal> {
    return this.#operations.signalTask(this.taskId, sequence, { signal });
  }

  /** Show one task: see `Pyro.statusTask`. */
  status(): Promise<TaskInfo> {
    return this.#operations.statusTask(this.taskId);
  }

  /** Show every command of a task with its output: see `Pyro.logsTask`. */
  logs(): Promise<TaskLogs> {
    return this.#operations.logsTask(this.taskId);
  }

  /** Remove a task, its VM and its logs; commands that run are aborted: see `Pyro.deleteTask`. */
  delete(): Promise<DeletedTask> {
    return this.#operations.deleteTask(this.taskId);
  }
}
