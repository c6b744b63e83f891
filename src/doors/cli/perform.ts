import type { Client } from "../../client/client.js";
import type { ArgumentsOf, OperationName } from "../../contract/operations.js";
import type { RenderedContract } from "../../contract/rendered.js";
import { parseArguments, type Input } from "./arguments.js";
import type { RunInput } from "./run.js";
import type { TaskCreateInput } from "./task-create.js";
import type { TaskExecInput } from "./task-exec.js";
import type { TaskOutputInput } from "./task-output.js";
import { nameOf } from "./command.js";
import { buildCommands } from "./commands.js";
import type { OwnCommandName } from "./own-commands.js";
import { performOwn, type OtherDoors } from "./perform-own.js";
import { print, show } from "./show.js";

/** Does what the command line asks for, and gives the exit status. Throws PyroError. */
export async function perform(contract: RenderedContract, argv: readonly string[], doors: OtherDoors): Promise<number> {
  const commands = buildCommands(contract);
  if (argv[0] === "__complete") {
    const { complete } = await import("./complete.js");
    const { findRunning: findClient } = await import("../../client/running.js");
    return print(await complete(commands, argv.slice(1), { findClient, environmentNames: doors.environmentNames }));
  }
  const invocation = parseArguments(commands, argv);
  if (invocation.kind === "version") {
    const { version } = contract;
    return print(invocation.json ? `${JSON.stringify({ version })}\n` : `pyro ${version}\n`);
  }
  if (invocation.kind === "help") {
    const { renderHelp, renderHelpJson } = await import("./help.js");
    return print((invocation.json ? renderHelpJson : renderHelp)(commands, invocation.words));
  }
  const { command, input, json } = invocation;
  if (command.operation !== null) return callOperation(command.operation, input, json);
  return performOwn[nameOf(command) as OwnCommandName]({ commands, input, json, doors, openClient });
}

async function callOperation(name: OperationName, input: Input, json: boolean): Promise<number> {
  const client = await openClient();
  switch (name) {
    case "vm.run": {
      const { run } = await import("./run.js");
      return run(client, input as unknown as RunInput, json);
    }
    case "task.exec": {
      const { taskExec } = await import("./task-exec.js");
      return taskExec(client, input as unknown as TaskExecInput, json);
    }
    case "task.exec_output": {
      const { taskOutput } = await import("./task-output.js");
      return taskOutput(client, input as unknown as TaskOutputInput, json);
    }
    case "task.create": {
      const { taskCreate } = await import("./task-create.js");
      return taskCreate(client, input as unknown as TaskCreateInput, json);
    }
    case "task.sync.push": {
      const { taskSyncPush } = await import("./task-sync-push.js");
      return taskSyncPush(client, input as unknown as ArgumentsOf<"task.sync.push">, json);
    }
    case "task.list": {
      const { quiet, ...filter } = input;
      const result = await client.call(name, filter);
      if (quiet && !json) return print(result.tasks.map(({ task_id }) => `${task_id}\n`).join(""));
      return show(name, result, json);
    }
    case "env.pull": {
      const { pull } = await import("./pull.js");
      return pull(client, input as ArgumentsOf<"env.pull">, json);
    }
    case "daemon.status": {
      const { readDaemonStatus } = await import("../../client/daemon.js");
      return show(name, await readDaemonStatus(client), json);
    }
    case "daemon.stop": {
      const { stopDaemon } = await import("../../client/daemon.js");
      return show(name, await stopDaemon(client), json);
    }
    case "doctor": {
      const result = await client.call(name, {});
      await show(name, result, json);
      return result.ok ? 0 : 1;
    }
    default:
      return show(name, await client.call(name, input as ArgumentsOf<typeof name>), json);
  }
}

async function openClient(): Promise<Client> {
  const { openClient } = await import("../../client/client.js");
  return openClient();
}
