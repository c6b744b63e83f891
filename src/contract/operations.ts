import type { z } from "zod";

import { daemonStatus } from "./daemon-status.js";
import { daemonStop } from "./daemon-stop.js";
import { doctor } from "./doctor.js";
import { envBuild, envBuildSource } from "./env-build.js";
import { envInspect } from "./env-inspect.js";
import { envList } from "./env-list.js";
import { envPrune } from "./env-prune.js";
import { envExport, envImport } from "./env-export.js";
import { envRemove } from "./env-remove.js";
import { envSave } from "./env-save.js";
import { envPull } from "./env-pull.js";
import type { Operation } from "./operation.js";
import { taskCreate } from "./task-create.js";
import { taskChanges } from "./task-changes.js";
import { taskDelete } from "./task-delete.js";
import { taskDiff } from "./task-diff.js";
import { taskExport } from "./task-export.js";
import { taskExportTo } from "./task-export-to.js";
import { taskExecOutput } from "./task-exec-output.js";
import { taskExecSignal } from "./task-exec-signal.js";
import { taskExec } from "./task-exec.js";
import { taskFileFetch } from "./task-file-fetch.js";
import { taskFileEdit } from "./task-file-edit.js";
import { taskFileList } from "./task-file-list.js";
import { taskFileMkdir } from "./task-file-mkdir.js";
import { taskFileMove } from "./task-file-move.js";
import { taskFileRead } from "./task-file-read.js";
import { taskFileRemove } from "./task-file-remove.js";
import { taskFileStat } from "./task-file-stat.js";
import { taskFileView } from "./task-file-view.js";
import { taskFileWrite } from "./task-file-write.js";
import { taskFork } from "./task-fork.js";
import { taskFollow } from "./task-follow.js";
import { taskList } from "./task-list.js";
import { taskLogs } from "./task-logs.js";
import { taskPatch } from "./task-patch.js";
import { taskNetwork } from "./task-network.js";
import { taskPortClose } from "./task-port-close.js";
import { taskPortList } from "./task-port-list.js";
import { taskPortPublish } from "./task-port-publish.js";
import { taskServiceList, taskServiceStatus } from "./task-service-list.js";
import { taskServiceLogs } from "./task-service-logs.js";
import { taskServiceStart } from "./task-service-start.js";
import { taskService } from "./task-service.js";
import { taskServiceStop } from "./task-service-stop.js";
import { taskShellClose, taskShellList, taskShellOpen, taskShellWrite } from "./task-shell-open.js";
import { taskShellRead } from "./task-shell-read.js";
import { taskShell, taskShellAttach } from "./task-shell.js";
import { taskReset } from "./task-reset.js";
import { taskSettle } from "./task-settle.js";
import { taskSnapshot, taskSnapshotCreate, taskSnapshotDelete, taskSnapshotList } from "./task-snapshot.js";
import { taskStatus } from "./task-status.js";
import { taskStart, taskStop } from "./task-stop.js";
import { taskSyncPull } from "./task-sync-pull.js";
import { taskSyncPush } from "./task-sync-push.js";
import { taskTry } from "./task-try.js";
import { taskWatch } from "./task-watch.js";
import { taskWait } from "./task-wait.js";
import { taskSyncUndo } from "./task-sync-undo.js";
import { toolchainInstall } from "./toolchain-install.js";
import { toolchainRemove } from "./toolchain-remove.js";
import { toolchainStatus } from "./toolchain-status.js";
import { vmCreate } from "./vm-create.js";
import { vmDelete } from "./vm-delete.js";
import { vmNetworkInfo } from "./vm-network-info.js";
import { vmExec } from "./vm-exec.js";
import { vmReapExpired } from "./vm-reap-expired.js";
import { vmStart } from "./vm-start.js";
import { vmStatus } from "./vm-status.js";
import { vmStop } from "./vm-stop.js";
import { vmRun } from "./vm-run.js";

/** All operations. A new operation is one file, and one line here. */
export const operations = {
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
  "task.watch": taskWatch,
  "task.sync.pull": taskSyncPull,
  "task.sync.undo": taskSyncUndo,
  "task.diff": taskDiff,
  "task.patch": taskPatch,
  "task.changes": taskChanges,
  "task.settle": taskSettle,
  "task.export": taskExport,
  "task.export_to": taskExportTo,
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
  "task.exec_signal": taskExecSignal,
  "task.wait": taskWait,
  "task.follow": taskFollow,
  "task.port.publish": taskPortPublish,
  "task.port.list": taskPortList,
  "task.port.close": taskPortClose,
  "task.shell.attach": taskShellAttach,
  "task.shell.open": taskShellOpen,
  "task.shell.list": taskShellList,
  "task.shell.write": taskShellWrite,
  "task.shell.read": taskShellRead,
  "task.shell.close": taskShellClose,
  "task.shell": taskShell,
  "task.service.start": taskServiceStart,
  "task.service.list": taskServiceList,
  "task.service.status": taskServiceStatus,
  "task.service.logs": taskServiceLogs,
  "task.service.stop": taskServiceStop,
  "task.service": taskService,
  "task.status": taskStatus,
  "task.network": taskNetwork,
  "task.logs": taskLogs,
  "task.list": taskList,
  "task.fork": taskFork,
  "task.stop": taskStop,
  "task.start": taskStart,
  "task.snapshot": taskSnapshot,
  "task.snapshot.create": taskSnapshotCreate,
  "task.snapshot.list": taskSnapshotList,
  "task.snapshot.delete": taskSnapshotDelete,
  "task.reset": taskReset,
  "task.try": taskTry,
  "task.delete": taskDelete,
  "env.list": envList,
  "env.pull": envPull,
  "env.inspect": envInspect,
  "env.save": envSave,
  "env.build": envBuild,
  "env.build.source": envBuildSource,
  "env.export": envExport,
  "env.import": envImport,
  "env.prune": envPrune,
  "env.remove": envRemove,
  "toolchain.status": toolchainStatus,
  "toolchain.install": toolchainInstall,
  "toolchain.remove": toolchainRemove,
  doctor,
  "daemon.status": daemonStatus,
  "daemon.stop": daemonStop,
} as const satisfies Record<string, Operation>;

export type OperationName = keyof typeof operations;

/** An operation's input as a caller gives it: fields with defaults are optional. */
export type ArgumentsOf<Name extends OperationName> = z.input<(typeof operations)[Name]["input"]>;
/** The parsed input with defaults. A command is always one line here. */
export type InputOf<Name extends OperationName> = Checked<z.output<(typeof operations)[Name]["input"]>>;
type Checked<Input> = Input extends { readonly command: unknown }
  ? Omit<Input, "command"> & { command: string }
  : Input;
export type ResultOf<Name extends OperationName> = z.output<(typeof operations)[Name]["output"]>;
