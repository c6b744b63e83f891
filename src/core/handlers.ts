import type { OperationName, operations } from "../contract/operations.js";
import type { Handler } from "./core.js";
import { doctor } from "./doctor.js";
import { envBuild } from "./environments/build/build.js";
import { envInspect } from "./environments/inspect.js";
import { envList } from "./environments/list.js";
import { envPrune } from "./environments/prune.js";
import { envPull } from "./environments/pull.js";
import { taskSettle } from "./workspace/settle.js";
import { envExport, envImport } from "./environments/export.js";
import { envRemove } from "./environments/remove.js";
import { envSave } from "./environments/save.js";
import { taskChanges } from "./workspace/task-changes.js";
import { taskDiff } from "./workspace/task-diff.js";
import { patchWorkspace } from "./workspace/patch.js";
import { exportFiles } from "./workspace/export.js";
import { taskFileEdit } from "./files/edit.js";
import { taskFileList, taskFileStat } from "./files/list.js";
import { taskFileFetch, taskFileRead } from "./files/read.js";
import { taskFileView } from "./files/view.js";
import { taskFileMkdir, taskFileMove, taskFileRemove, taskFileWrite } from "./files/write.js";
import { taskExecOutput } from "./exec/read-output.js";
import { taskExec, taskFollow } from "./exec/follow.js";
import { taskShellClose, taskShellList, taskShellOpen, taskShellWrite } from "./exec/shell-operations.js";
import { waitUntilEnded } from "./exec/output-page.js";
import {
  taskServiceList,
  taskServiceLogs,
  taskServiceStart,
  taskServiceStatus,
  taskServiceStop,
} from "./services/operations.js";
import { taskSnapshotCreate, taskSnapshotDelete, taskSnapshotList } from "./tasks/branches/snapshot-operations.js";
import { resetTask } from "./tasks/branches/reset.js";
import { startTask } from "./tasks/branches/start.js";
import { stopTask } from "./tasks/branches/stop.js";
import { setNetwork } from "./tasks/set-network.js";
import { toolchainInstall, toolchainRemove, toolchainStatus } from "./toolchain.js";
import { vmRun } from "./vms/run.js";

/** The operations about the daemon itself, which the daemon handles. */
type DaemonOperation = "daemon.status" | "daemon.stop";
/** Operations that a client performs itself, with other operations. */
export type LocalOperation = {
  [Name in OperationName]: (typeof operations)[Name] extends { readonly isLocal: true } ? Name : never;
}[OperationName];

type CoreOperation = Exclude<OperationName, DaemonOperation | LocalOperation>;

/** The handler of each operation. One with more than a few lines has its own file. */
export const handlers: { readonly [Name in CoreOperation]: Handler<Name> } = {
  "vm.run": vmRun,
  "vm.create": async ({ vms, environments, snapshots }, input) => {
    if (snapshots.findSaved(input.environment) === null) environments.assertKnown(input.environment);
    return vms.create(input);
  },
  "vm.start": async ({ vms }, { vm_id }, call) => vms.get(vm_id).start(call),
  "vm.exec": async ({ vms }, input, call) => vms.get(input.vm_id).exec(input, call),
  "vm.stop": async ({ vms }, { vm_id }) => vms.get(vm_id).stop(),
  "vm.delete": async ({ vms }, { vm_id }) => {
    await vms.delete(vm_id);
    return { vm_id, deleted: true };
  },
  "vm.status": async ({ vms }, { vm_id }) => vms.status(vm_id),
  "vm.network_info": async ({ vms }, { vm_id }) => vms.get(vm_id).networkInfo(),
  "vm.reap_expired": async ({ vms, tasks }) => ({
    removed: [...(await vms.reapExpired()), ...(await tasks.reapExpired())],
  }),

  "task.create": async ({ tasks }, input, call) => (await tasks.create(input, call)).view(),
  "task.sync.push": async ({ tasks }, input, call) => {
    const task = tasks.get(input.task_id);
    return task.during(task.push(input, call));
  },
  "task.diff": taskDiff,
  "task.patch": ({ tasks }, input, call) => {
    const task = tasks.get(input.task_id);
    const patched = task.onFiles(call, (channel, signal) =>
      task.pushes.inTurn(signal, () => patchWorkspace(channel, input, signal)),
    );
    return task.during(patched);
  },
  "task.changes": taskChanges,
  "task.settle": taskSettle,
  "task.export": ({ tasks }, input, call) => {
    const task = tasks.get(input.task_id);
    const send = (data: Buffer) => call.emit({ event: "stdout", data });
    return task.readFiles(call, (channel) => exportFiles(channel, input, { base: task.base, send }));
  },
  "task.file.list": taskFileList,
  "task.file.stat": taskFileStat,
  "task.file.read": taskFileRead,
  "task.file.fetch": taskFileFetch,
  "task.file.view": taskFileView,
  "task.file.write": taskFileWrite,
  "task.file.edit": taskFileEdit,
  "task.file.mkdir": taskFileMkdir,
  "task.file.move": taskFileMove,
  "task.file.remove": taskFileRemove,
  "task.exec": taskExec,
  "task.exec_output": taskExecOutput,
  "task.exec_signal": async ({ tasks }, { task_id, sequence, signal }) => {
    await tasks.get(task_id).find(sequence).signal(signal);
    return { task_id, sequence, signal, sent: true };
  },
  "task.wait": async ({ tasks }, { task_id, sequence, timeout_seconds, interleaved }, { signal }) => {
    const exec = tasks.get(task_id).find(sequence);
    await waitUntilEnded(exec, timeout_seconds, signal);
    return exec.outcome(interleaved);
  },
  "task.follow": taskFollow,
  "task.network": async ({ tasks }, { task_id, network_allow, network_deny, network_allow_host }, call) => {
    const task = tasks.get(task_id);
    const rules = { allow: network_allow, deny: network_deny, allowHosts: network_allow_host };
    await task.changeVm(call, (vm, until) => setNetwork(vm, rules, until));
    return task.view();
  },
  "task.port.publish": async ({ tasks }, { task_id, port, host_port }, call) => ({
    task_id,
    ...(await tasks.get(task_id).publishPort(port, host_port, call)),
  }),
  "task.port.list": async ({ tasks }, { task_id }) => ({ task_id, ports: tasks.get(task_id).ports.list }),
  "task.port.close": async ({ tasks }, { task_id, port }) => {
    await tasks.get(task_id).ports.close(port);
    return { task_id, port, closed: true };
  },
  "task.shell.open": taskShellOpen,
  "task.shell.list": taskShellList,
  "task.shell.write": taskShellWrite,
  "task.shell.close": taskShellClose,
  "task.service.start": taskServiceStart,
  "task.service.list": taskServiceList,
  "task.service.status": taskServiceStatus,
  "task.service.logs": taskServiceLogs,
  "task.service.stop": taskServiceStop,
  "task.status": async ({ tasks }, { task_id }) => tasks.view(task_id),
  "task.logs": async ({ tasks }, { task_id, interleaved }) => tasks.get(task_id).logs(interleaved),
  "task.list": async ({ tasks }, { labels }) => ({ tasks: await tasks.list(labels) }),
  "task.fork": async ({ tasks }, input, call) => {
    const forks = await tasks.fork(input, call);
    return { tasks: await Promise.all(forks.map((fork) => fork.view())) };
  },
  "task.stop": async ({ tasks }, { task_id }, call) => {
    const task = tasks.get(task_id);
    await task.changeVm(call, stopTask);
    return task.view();
  },
  "task.start": async ({ tasks }, { task_id }, call) => {
    const task = tasks.get(task_id);
    await task.changeVm(call, startTask);
    return task.view();
  },
  "task.snapshot.create": taskSnapshotCreate,
  "task.snapshot.list": taskSnapshotList,
  "task.snapshot.delete": taskSnapshotDelete,
  "task.reset": async ({ tasks }, input, call) => {
    const task = tasks.get(input.task_id);
    await task.changeVm(call, (vm, until) => resetTask(vm, input, until));
    return task.view();
  },
  "task.try": ({ tasks }, input, call) => tasks.try(input, call),
  "task.delete": async ({ tasks }, { task_id }) => {
    await tasks.delete(task_id);
    return { task_id, deleted: true };
  },

  "env.list": envList,
  "env.pull": envPull,
  "env.inspect": envInspect,
  "env.prune": envPrune,
  "env.remove": envRemove,
  "env.save": envSave,
  "env.build": envBuild,
  "env.build.source": ({ buildSources }, input, call) => buildSources.add(input, call),
  "env.export": envExport,
  "env.import": envImport,
  "toolchain.status": toolchainStatus,
  "toolchain.install": toolchainInstall,
  "toolchain.remove": toolchainRemove,
  doctor,
};
