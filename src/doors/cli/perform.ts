import { openClient as openClientWith, type Client } from "../../client/client.js";
import type { Trace } from "../../client/trace.js";
import type { OperationName } from "../../contract/operations.js";
import { readContract } from "../../contract/rendered.js";
import { parseArguments, type Input } from "./arguments.js";
import { nameOf } from "./command.js";
import { buildCommands } from "./commands.js";
import { jsonLine } from "./json-line.js";
import type { OwnCommandName } from "./own-commands.js";
import { performOperation } from "./perform-operation.js";
import { performOwn, type OtherDoors } from "./perform-own.js";
import { print } from "./show.js";

/** Commands of clients in other languages. */
const forPrograms: ReadonlySet<string> = new Set(["__call", "__show", "__socket"]);

/** Performs the command line and returns the exit status. Throws PyroError. */
export async function perform(argv: readonly string[], doors: OtherDoors): Promise<number> {
  const contract = readContract();
  const commands = buildCommands(contract);
  if (argv[0] === "__complete") {
    const { complete } = await import("./complete.js");
    const { findRunning: findClient } = await import("../../client/running.js");
    return print(await complete(commands, argv.slice(1), { findClient, environmentNames: doors.environmentNames }));
  }
  if (argv[0] !== undefined && forPrograms.has(argv[0])) {
    const { serveProgram } = await import("./call-local.js");
    return print(await serveProgram(openClient, argv[0], argv[1] ?? ""));
  }
  if (argv[0] === "__file") {
    const { moveFile } = await import("../../client/far-file.js");
    await moveFile(process.env, argv[1] ?? "", argv[2] ?? "");
    return 0;
  }
  const invocation = parseArguments(commands, argv);
  if (invocation.kind === "version") {
    const { version } = contract;
    return print(invocation.json ? jsonLine({ version }) : `pyro ${version}\n`);
  }
  if (invocation.kind === "help") {
    const { renderHelp, renderHelpJson } = await import("./help.js");
    return print((invocation.json ? renderHelpJson : renderHelp)(commands, invocation.words));
  }
  const { command, json } = invocation;
  const { context, ...input } = invocation.input;
  // Programs that this one starts work on the same machine.
  if (context !== undefined) process.env["PYRO_CONTEXT"] = String(context);
  if (command.operation !== null) return performTraced(command.operation, input, json);
  return performOwn[nameOf(command) as OwnCommandName]({ commands, input, json, doors, openClient });
}

async function performTraced(name: OperationName, input: Input, json: boolean): Promise<number> {
  const client = await openClient();
  const work = () => performOperation(client, name, input, json);
  if (!client.trace) return work();
  const { traced } = await import("./trace.js");
  return traced(client, json, work);
}

async function openClient(): Promise<Client> {
  return openClientWith(process.env, await openTrace());
}

/** Null unless PYRO_TRACE is 1. */
async function openTrace(): Promise<Trace | null> {
  if (!process.env["PYRO_TRACE"]) return null;
  const { Trace, wantsTrace } = await import("../../client/trace.js");
  return wantsTrace(process.env) ? new Trace() : null;
}
