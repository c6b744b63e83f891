import type { ArgumentsOf, OperationName, ResultOf } from "../contract/operations.js";
import type { CallOptions, Client } from "./client.js";
import { execTask } from "./task-exec.js";
import { readOutput } from "./task-output.js";
import { workOnService } from "./task-service.js";
import { workOnSnapshots } from "./task-snapshot.js";
import { createTask, pushTaskSync, runInVm } from "./task-source.js";

type Perform<Name extends OperationName> = (
  client: Client,
  input: ArgumentsOf<Name>,
  options: CallOptions,
) => Promise<ResultOf<Name>>;

/** Operations that need more than one request: the client reconnects after the daemon's death, or packs a source. */
const special: { readonly [Name in OperationName]?: Perform<Name> } = {
  "vm.run": runInVm,
  "task.create": createTask,
  "env.build": async (...call) => (await import("./build-sources.js")).buildEnvironment(...call),
  "task.exec": execTask,
  "task.exec_output": readOutput,
  "task.service": workOnService,
  "task.snapshot": workOnSnapshots,
  "task.shell": async (...call) => (await import("./shell/work.js")).workInShell(...call),
  "task.shell.read": async (...call) => (await import("./shell/read-shell.js")).readShell(...call),
  "task.sync.push": pushTaskSync,
  "task.sync.pull": async (...call) => (await import("./pull/task-pull.js")).pullTaskSync(...call),
  "task.export_to": async (...call) => (await import("./export/export.js")).exportTask(...call),
  "task.sync.undo": async (client, input) => (await import("./pull/task-pull.js")).undoTaskSync(client, input),
};

/** Performs an operation, with the client's part of its work. */
export function performOperation<Name extends OperationName>(
  client: Client,
  name: Name,
  input: ArgumentsOf<Name>,
  options: CallOptions = {},
): Promise<ResultOf<Name>> {
  const perform = special[name] as Perform<Name> | undefined;
  return perform ? perform(client, input, options) : client.call(name, input, options);
}
