import type { FoundMachine } from "../../backend/backend.js";
import type { InputOf } from "../../contract/operations.js";
import type { Log } from "../../host/log.js";
import type { ServiceRecord } from "../../store/service-record.js";
import type { Call } from "../call.js";
import type { TaskExec } from "../exec/task-exec.js";
import type { TaskExecs } from "../exec/task-execs.js";
import type { PublishedPorts } from "../ports/published-ports.js";
import { WORKSPACE } from "../workspace/destination.js";
import type { ServicesHost } from "./services.js";

interface RecordedServices {
  readonly services: ServiceRecord[];
  readonly env: Readonly<Record<string, string>>;
  readonly user: string | null;
  readonly working_dir: string | null;
}

/** The parts of a task that its services use. */
interface TaskOfServices {
  readonly taskId: string;
  readonly ports: PublishedPorts;
  readonly vm: {
    readonly record: RecordedServices;
    readonly still: Promise<void> | null;
    readonly machine: FoundMachine | null;
    change(change: { services: ServiceRecord[] }): Promise<void>;
  };
  isDetached(): boolean;
  stoppedMs(since: string): number;
}

type Start = (service: string, input: InputOf<"task.exec">, call: Call | null) => Promise<TaskExec | null>;

/** A task as its services see it. */
export function servicesHostOf(task: TaskOfServices, execs: TaskExecs, log: Log, start: Start): ServicesHost {
  return {
    ...{ taskId: task.taskId, log, ports: task.ports },
    runs: ({ name, since }) =>
      execs.all.filter(({ started }) => started.service === name && started.started_at >= since),
    run: (record, call) => start(record.name, commandOf(task.taskId, record), call),
    machine: () => (task.vm.still ? null : task.vm.machine),
    env: () => task.vm.record.env,
    user: () => task.vm.record.user,
    directory: () => task.vm.record.working_dir ?? WORKSPACE,
    isDetached: () => task.isDetached(),
    stoppedMs: (since) => task.stoppedMs(since),
    records: () => task.vm.record.services,
    record: (services) => task.vm.change({ services: [...services] }),
  };
}

function commandOf(taskId: string, { command, cwd, env }: ServiceRecord): InputOf<"task.exec"> {
  const plain = { background: true, interleaved: false, tty: false, rows: 24, cols: 80 };
  return { task_id: taskId, command, cwd, env, ...plain };
}
