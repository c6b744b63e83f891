import type { FoundMachine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import type { InputOf } from "../../contract/operations.js";
import type { Log } from "../../host/log.js";
import type { Journal } from "../../store/journal.js";
import type { Call } from "../call.js";
import { resolveCwd } from "../exec/cwd.js";
import type { ExecHost } from "../exec/exec-outcome.js";
import { startTaskExec, type ExecRole } from "../exec/start-exec.js";
import type { TaskExec } from "../exec/task-exec.js";
import type { TaskExecs } from "../exec/task-execs.js";
import { WORKSPACE } from "../workspace/destination.js";
import type { Activity } from "./activity.js";
import type { Callers } from "./callers.js";
import type { TaskVm } from "./task-vm.js";

type ExecInput = InputOf<"task.exec">;

/** The parts of a task that its commands use. */
export interface CommandsParts {
  readonly host: ExecHost;
  readonly execs: TaskExecs;
  readonly vm: TaskVm;
  readonly callers: Callers;
  readonly activity: Activity;
  readonly journal: Journal;
  readonly log: Log;
}

/** Starts the commands of a task, continues those of an earlier daemon, and ends those without a VM. */
export class Commands {
  readonly #parts: CommandsParts;

  constructor(parts: CommandsParts) {
    this.#parts = parts;
  }

  /** Starts a caller's command, and the task if it is stopped. A repeated request id gets the command of the first call. */
  async start(given: ExecInput, call: Call, stdin: Call["stdin"], role: ExecRole = {}): Promise<TaskExec> {
    const { execs, callers, vm } = this.#parts;
    const { cwd } = given;
    const input = { ...given, ...(cwd !== undefined && { cwd: resolveCwd(cwd, vm.record.working_dir ?? WORKSPACE) }) };
    const earlier = await execs.earlier(input);
    if (earlier !== null) return earlier;
    return callers.use("exec", call, (machine) => execs.once(input, () => this.#start(machine, input, stdin, role)));
  }

  /** Starts the command of a service. Without a caller, null when the task is not started. */
  async startOfService(service: string, input: ExecInput, call: Call | null): Promise<TaskExec | null> {
    const { execs, callers, vm, host } = this.#parts;
    const start = (machine: FoundMachine) => execs.once(input, () => this.#start(machine, input, null, { service }));
    if (call !== null) return callers.use("exec", call, start);
    while (vm.still) await vm.still;
    return vm.record.state === "started" && vm.machine !== null && !host.isDetached() ? start(vm.machine) : null;
  }

  /** Continues the commands that ran when an earlier daemon died; without a VM they end with the reason. */
  async takeOver(): Promise<void> {
    const { machine } = this.#parts.vm;
    for (const exec of this.#parts.execs.running) {
      if (machine) exec.resume(machine);
      else await this.#giveUp(exec, new PyroError("VM_DIED", "The VM ended while the command ran."));
    }
  }

  /** Kills all running commands. Without a VM, records their end with the reason. */
  async killAll(reason: PyroError): Promise<void> {
    const { execs, vm } = this.#parts;
    for (const exec of execs.running) exec.kill();
    if (vm.machine === null) await Promise.all(execs.running.map((exec) => this.#giveUp(exec, reason)));
  }

  async #start(machine: FoundMachine, input: ExecInput, stdin: Call["stdin"], role: ExecRole): Promise<TaskExec> {
    const { host, execs, journal, vm, activity } = this.#parts;
    const task = { host, execs, journal, record: vm.record, channel: vm.channel, role };
    const exec = await startTaskExec(task, machine, input, stdin);
    activity.note(exec.started.started_at);
    return exec;
  }

  async #giveUp(exec: TaskExec, reason: PyroError): Promise<void> {
    const { host, log } = this.#parts;
    await exec.giveUp(reason).catch((error: unknown) => {
      log.error({ task: host.taskId, err: error }, "the end of a command could not be written");
    });
  }
}
