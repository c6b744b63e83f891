import type { OperationName } from "../contract/operations.js";
import type { Handler } from "../core/core.js";
import { doctor } from "../core/doctor.js";
import { envInspect } from "../core/env-inspect.js";
import { envList } from "../core/env-list.js";
import { envPrune } from "../core/env-prune.js";
import { envPull } from "../core/env-pull.js";
import { taskCreate } from "../core/task-create.js";
import { taskDelete } from "../core/task-delete.js";
import { taskExecOutput } from "../core/task-exec-output.js";
import { taskExecSignal } from "../core/task-exec-signal.js";
import { taskExec } from "../core/task-exec.js";
import { taskFollow } from "../core/task-follow.js";
import { taskList } from "../core/task-list.js";
import { taskLogs } from "../core/task-logs.js";
import { taskStatus } from "../core/task-status.js";
import { taskSyncPush } from "../core/task-sync-push.js";
import { vmCreate } from "../core/vm-create.js";
import { vmDelete } from "../core/vm-delete.js";
import { vmExec } from "../core/vm-exec.js";
import { vmNetworkInfo } from "../core/vm-network-info.js";
import { vmReapExpired } from "../core/vm-reap-expired.js";
import { vmStart } from "../core/vm-start.js";
import { vmStatus } from "../core/vm-status.js";
import { vmStop } from "../core/vm-stop.js";
import { vmRun } from "../core/vm-run.js";
import type { Lifetime } from "./lifetime.js";
import { buildStatus } from "./status.js";
import { buildStop } from "./stop.js";

export type Handlers = { readonly [Name in OperationName]: Handler<Name> };

/** Who does what: one line an operation. */
export function buildHandlers(lifetime: Lifetime): Handlers {
  return {
    "vm.run": vmRun,
    "vm.create": vmCreate,
    "vm.start": vmStart,
    "vm.exec": vmExec,
    "vm.stop": vmStop,
    "vm.delete": vmDelete,
    "vm.status": vmStatus,
    "vm.network_info": vmNetworkInfo,
    "vm.reap_expired": vmReapExpired,
    "task.create": taskCreate,
    "task.sync.push": taskSyncPush,
    "task.exec": taskExec,
    "task.exec_output": taskExecOutput,
    "task.exec_signal": taskExecSignal,
    "task.follow": taskFollow,
    "task.status": taskStatus,
    "task.logs": taskLogs,
    "task.list": taskList,
    "task.delete": taskDelete,
    "env.list": envList,
    "env.pull": envPull,
    "env.inspect": envInspect,
    "env.prune": envPrune,
    doctor,
    "daemon.status": buildStatus(lifetime),
    "daemon.stop": buildStop(lifetime),
  };
}
