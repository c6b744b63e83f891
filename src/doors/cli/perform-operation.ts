import type { Client } from "../../client/client.js";
import type { ArgumentsOf, OperationName } from "../../contract/operations.js";
import type { Input } from "./arguments.js";
import { run } from "./run.js";
import { print, show } from "./show.js";
import { taskExec } from "./task-exec.js";

/** Performs one command and returns the exit status. The input contains the CLI's own flags too. */
type Perform = (client: Client, input: never, json: boolean) => Promise<number>;

/** Commands that do more than print one result. Each loads its module on demand. */
const special: { readonly [Name in OperationName]?: () => Promise<Perform> } = {
  "vm.run": async () => run,
  "task.exec": async () => taskExec,
  "task.wait": async () => (await import("./task-wait.js")).taskWait,
  "task.exec_output": async () => (await import("./task-output.js")).taskOutput,
  "task.shell.attach": async () => (await import("./task-shell.js")).taskShell,
  "task.service.logs": async () => (await import("./task-service.js")).taskServiceLogs,
  "task.create": async () => (await import("./task-create.js")).taskCreate,
  "task.sync.push": async () => (await import("./task-sync-push.js")).taskSyncPush,
  "task.watch": async () => (await import("./task-watch.js")).taskWatch,
  "task.sync.pull": async () => (await import("./task-sync-pull.js")).taskSyncPull,
  "task.sync.undo": async () => (await import("./task-sync-pull.js")).taskSyncUndo,
  "task.diff": async () => (await import("./task-diff.js")).taskDiff,
  "task.export_to": async () => (await import("./task-export.js")).taskExport,
  "task.patch": async () => (await import("./task-patch.js")).taskPatch,
  "task.file.read": async () => (await import("./task-file.js")).taskFileRead,
  "task.file.write": async () => (await import("./task-file.js")).taskFileWrite,
  "task.fork": async () => (await import("./task-branches.js")).taskFork,
  "task.try": async () => (await import("./task-try.js")).taskTry,
  "task.snapshot.create": async () => (await import("./task-branches.js")).taskSnapshotCreate,
  "task.list": async () => listTasks,
  "env.build": async () => (await import("./env-build.js")).build,
  "env.pull": async () => (await import("./pull.js")).pull,
  "env.import": async () => withInterruption("env.import"),
  "env.export": async () => withInterruption("env.export"),
  "toolchain.install": async () => (await import("./toolchain.js")).installToolchain,
  doctor: async () => diagnose,
  "daemon.status": async () => {
    const { readDaemonStatus } = await import("../../client/daemon.js");
    return async (client, _input, json) => show("daemon.status", await readDaemonStatus(client), json);
  },
  "daemon.stop": async () => {
    const { stopDaemon } = await import("../../client/daemon.js");
    return async (client, input, json) => show("daemon.stop", await stopDaemon(client, input), json);
  },
};

/** Calls an operation, prints its result as `render.ts` has it, and returns the exit status. */
export async function performOperation(
  client: Client,
  name: OperationName,
  input: Input,
  json: boolean,
): Promise<number> {
  const perform = await special[name]?.();
  if (perform) return perform(client, input as never, json);
  return show(name, await client.call(name, input as ArgumentsOf<typeof name>), json);
}

/** Performs a long operation that one result ends. */
async function withInterruption(name: "env.import" | "env.export"): Promise<Perform> {
  const { interruptible } = await import("./interruption.js");
  return (client, input, json) =>
    interruptible(json, async ({ signal }) => show(name, await client.call(name, input, { signal }), json));
}

async function listTasks(
  client: Client,
  { quiet, ...filter }: ArgumentsOf<"task.list"> & { readonly quiet?: boolean },
  json: boolean,
): Promise<number> {
  const result = await client.call("task.list", filter);
  if (quiet && !json) return print(result.tasks.map(({ task_id }) => `${task_id}\n`).join(""));
  return show("task.list", result, json);
}

async function diagnose(client: Client, _input: object, json: boolean): Promise<number> {
  const result = await client.call("doctor", {});
  await show("doctor", result, json);
  return result.ok ? 0 : 1;
}
