import type { Client } from "../../client/client.js";
import type { RenderedContract } from "../../contract/rendered.js";
import { parseArguments } from "./arguments.js";
import { nameOf } from "./command.js";
import { buildCommands } from "./commands.js";
import type { OwnCommandName } from "./own-commands.js";
import { performOperation } from "./perform-operation.js";
import { performOwn, type OtherDoors } from "./perform-own.js";
import { print } from "./show.js";

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
  if (command.operation !== null) return performOperation(await openClient(), command.operation, input, json);
  return performOwn[nameOf(command) as OwnCommandName]({ commands, input, json, doors, openClient });
}

async function openClient(): Promise<Client> {
  const { openClient } = await import("../../client/client.js");
  return openClient();
}
