import { PyroError } from "../../contract/errors.js";
import { isolationVariable } from "../../contract/isolation-levels.js";
import { mcpProfiles, type McpProfile } from "../../contract/operation.js";
import type { Client } from "../../client/client.js";
import type { Input } from "./arguments.js";
import type { Command } from "./command.js";
import type { OwnCommandName } from "./own-commands.js";
import { print, show } from "./show.js";

/** The other doors, which the executable passes in; each loads on demand. */
export interface OtherDoors {
  serveMcp(options: { profile: McpProfile; allowPull: string | null }): Promise<number>;
  configureMcp(input: {
    client: string;
    write: boolean;
    file: string | null;
    profile: McpProfile;
    allowPull: string | null;
  }): Promise<string>;
  serveE2b(options: { port: number }): Promise<number>;
  renderE2bEnv(): Promise<string>;
  renderE2bKey(isNew: boolean): Promise<string>;
  /** Names of the shipped environments. */
  environmentNames(): Promise<readonly string[]>;
}

interface OwnCall {
  readonly commands: readonly Command[];
  readonly input: Input;
  readonly json: boolean;
  readonly doors: OtherDoors;
  readonly openClient: () => Promise<Client>;
}

/** The profile that the command line names. Throws INVALID_ARGUMENT. */
function profileOf({ profile = "standard" }: Input): McpProfile {
  const found = mcpProfiles.find((each) => each === profile);
  if (found) return found;
  throw new PyroError("INVALID_ARGUMENT", `--profile: there is no profile ${String(profile)}.`, {
    hint: `Choose one of ${mcpProfiles.join(", ")}.`,
  });
}

function allowPullOf({ allow_pull: directory }: Input): string | null {
  return directory === undefined ? null : String(directory);
}

const E2B_PORT = 49_900;

function portOf({ port = E2B_PORT }: Input): number {
  const number = Number(port);
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  throw new PyroError("INVALID_ARGUMENT", "--port: expected a port from 0 to 65535.");
}

/** The commands without an operation; each returns the exit status. */
export const performOwn: { readonly [Name in OwnCommandName]: (call: OwnCall) => Promise<number> } = {
  "mcp serve": ({ doors, input }) => doors.serveMcp({ profile: profileOf(input), allowPull: allowPullOf(input) }),
  "mcp config": async ({ doors, input }) => {
    const { client, write, file } = input;
    return print(
      await doors.configureMcp({
        profile: profileOf(input),
        allowPull: allowPullOf(input),
        client: String(client),
        write: write === true,
        file: file === undefined ? null : String(file),
      }),
    );
  },
  "e2b serve": ({ doors, input }) => doors.serveE2b({ port: portOf(input) }),
  "e2b env": async ({ doors }) => print(await doors.renderE2bEnv()),
  "e2b key": async ({ doors, input }) => print(await doors.renderE2bKey(input["rotate"] === true)),
  completion: async ({ input }) => {
    const { renderCompletion } = await import("./completion.js");
    return print(renderCompletion(String(input["shell"])));
  },
  "context add": async ({ input, json }) => (await import("./context.js")).contextAdd(input, json),
  "context list": async ({ json }) => (await import("./context.js")).contextList(json),
  "context use": async ({ input, json }) => (await import("./context.js")).contextUse(input, json),
  "context remove": async ({ input, json }) => (await import("./context.js")).contextRemove(input, json),
  "context check": async ({ input, json }) => (await import("./context.js")).contextCheck(input, json),
  relay: async ({ input }) => (await import("./relay.js")).performRelay(input),
  "daemon start": async ({ openClient, input, json }) => {
    const { require_isolation: level } = input;
    if (level !== undefined) process.env[isolationVariable] = String(level);
    const status = await (await openClient()).call("daemon.status", {});
    if (level === undefined || status.require_isolation === level) return show("daemon.status", status, json);
    throw new PyroError("FAILED_PRECONDITION", `A daemon is already running, and does not require ${String(level)}.`, {
      hint: "Run `pyro daemon stop` first: tasks keep running.",
      details: { required: status.require_isolation, asked: level },
    });
  },
  "demo ollama": async ({ openClient, input }) => {
    const { demoOllama } = await import("./ollama/demo.js");
    return demoOllama(await openClient(), input["model"] as string | undefined, process.env);
  },
  bench: async ({ openClient, json }) => {
    const { bench } = await import("./bench.js");
    return bench(await openClient(), json);
  },
  demo: async ({ openClient }) => {
    const { demo } = await import("./demo.js");
    return demo(await openClient());
  },
};
