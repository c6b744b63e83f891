import type { Client } from "../../client/client.js";
import type { ArgumentsOf, OperationName, ResultOf } from "../../contract/operations.js";
import type { RenderedContract } from "../../contract/rendered.js";
import { parseArguments, type Input } from "./arguments.js";
import type { RunInput } from "./run.js";
import type { TaskExecInput } from "./task-exec.js";
import type { TaskOutputInput } from "./task-output.js";
import { buildCommands, nameOf, type Command } from "./commands.js";

/** What the executable knows of the doors beside this one, each loaded when it is called. */
export interface OtherDoors {
  serveMcp(): Promise<number>;
  configureMcp(input: { client: string; write: boolean; file: string | null }): Promise<string>;
}

/** Does what the command line asks for, and gives the exit status. Throws PyroError. */
export async function perform(contract: RenderedContract, argv: readonly string[], doors: OtherDoors): Promise<number> {
  const commands = buildCommands(contract);
  const invocation = parseArguments(commands, argv);
  if (invocation.kind === "version") return print(`pyro ${contract.version}\n`);
  if (invocation.kind === "help") {
    const { renderHelp } = await import("./help.js");
    return print(renderHelp(commands, invocation.words));
  }
  const { command, input, json } = invocation;
  if (command.operation !== null) return callOperation(command.operation, input, json);
  return performOwn(commands, command, input, json, doors);
}

async function performOwn(
  commands: readonly Command[],
  command: Command,
  input: Input,
  json: boolean,
  doors: OtherDoors,
): Promise<number> {
  switch (nameOf(command)) {
    case "mcp serve":
      return doors.serveMcp();
    case "mcp config": {
      const { client, write, file } = input;
      return print(
        await doors.configureMcp({
          client: String(client),
          write: write === true,
          file: file === undefined ? null : String(file),
        }),
      );
    }
    case "completion": {
      const { renderCompletion } = await import("./completion.js");
      return print(renderCompletion(commands, String(input["shell"])));
    }
    case "daemon start":
      return show("daemon.status", await (await openClient()).call("daemon.status", {}), json);
    case "demo ollama": {
      const { demoOllama } = await import("./ollama/demo.js");
      return demoOllama(await openClient(), input["model"] as string | undefined, process.env);
    }
    default: {
      const { demo } = await import("./demo.js");
      return demo(await openClient());
    }
  }
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
      return taskCreate(client, input as ArgumentsOf<"task.create">, json);
    }
    case "task.sync.push": {
      const { taskSyncPush } = await import("./task-sync-push.js");
      return taskSyncPush(client, input as unknown as ArgumentsOf<"task.sync.push">, json);
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

async function show<Name extends OperationName>(name: Name, result: ResultOf<Name>, json: boolean): Promise<number> {
  if (json) return print(`${JSON.stringify(result)}\n`);
  const { renderers } = await import("./render.js");
  return print(renderers[name]?.(result) ?? `${JSON.stringify(result, null, 2)}\n`);
}

async function openClient(): Promise<Client> {
  const { openClient } = await import("../../client/client.js");
  return openClient();
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}
