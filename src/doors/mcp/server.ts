import { Server, type ServerContext } from "@modelcontextprotocol/server";

import type { Client } from "../../client/client.js";
import { errorKinds, PyroError } from "../../contract/errors.js";
import { readContract } from "../../contract/rendered.js";
import type { ToolHost } from "./call-tool.js";
import { carrierFor } from "./carrier.js";
import { instructions } from "./instructions.js";

export interface ServerOptions {
  /** Where the daemon's home and settings are read from. */
  readonly env?: NodeJS.ProcessEnv;
  /** Told of what goes wrong beside a client's own mistakes. */
  readonly onError?: (error: Error) => void;
  /** How long a client is kept waiting for a task's command. */
  readonly patienceMs?: number;
}

/** Below the 60 s after which most clients give up, also those that ask for progress and are told of it. */
const PATIENCE_MS = 45_000;

/**
 * An MCP server with pyro's tools, resources and prompt, to be connected to any transport. It asks the daemon of
 * `PYRO_HOME`, which the first call starts; what a call needs is loaded then.
 */
export function createServer(options: ServerOptions = {}): Server {
  const { version } = readContract();
  const server = new Server(
    { name: "pyro-mcp", title: "pyro", version },
    {
      capabilities: { tools: {}, resources: { listChanged: true }, prompts: {}, logging: {} },
      instructions,
    },
  );
  const state = openState(server, options);

  server.setRequestHandler("tools/list", async () => {
    const { readTools } = await import("./tools.js");
    return { tools: [...readTools().values()].map(({ listed }) => listed) as never };
  });
  server.setRequestHandler("tools/call", async ({ params }, ctx) => {
    const { callTool } = await import("./call-tool.js");
    return callTool(state.hostFor(ctx), params.name, params.arguments ?? {}, ctx);
  });
  serveResources(server, state);
  servePrompt(server);
  return server;
}

function serveResources(server: Server, { client, watchTasks }: State): void {
  server.setRequestHandler("resources/list", async () => {
    const { listResources } = await import("./resources.js");
    await watchTasks();
    return { resources: await listResources(await client()) };
  });
  server.setRequestHandler("resources/templates/list", async () => {
    const { resourceTemplates } = await import("./resources.js");
    return { resourceTemplates: [...resourceTemplates] };
  });
  server.setRequestHandler("resources/read", async ({ params }) => {
    const { readResource } = await import("./resources.js");
    return readResource(await client(), params.uri);
  });
}

function servePrompt(server: Server): void {
  server.setRequestHandler("prompts/list", async () => {
    const { sandboxedFix } = await import("./prompt.js");
    return { prompts: [sandboxedFix] };
  });
  server.setRequestHandler("prompts/get", async ({ params }) => {
    const { buildPrompt } = await import("./prompt.js");
    return buildPrompt(params.name, params.arguments);
  });
}

/** What a client calls itself; it says so with each request, or once at the beginning. */
function clientNameOf(server: Server, ctx: ServerContext): string | undefined {
  const envelope = ctx.mcpReq.envelope as Readonly<Record<string, { name?: string } | undefined>> | undefined;
  return envelope?.["io.modelcontextprotocol/clientInfo"]?.name ?? server.getClientVersion()?.name;
}

async function loadClient(env: NodeJS.ProcessEnv): Promise<Client> {
  const { openClient } = await import("../../client/client.js");
  return openClient(env);
}

/** Tools after which other tasks can be listed than before. */
const CHANGES_TASKS = new Set(["task_create", "task_delete", "vm_reap_expired"]);

/** What is created and removed in one step is told once. */
const SETTLE_MS = 50;

interface State {
  readonly client: () => Promise<Client>;
  /** From now on the client is told when tasks come or go, whoever does it. */
  readonly watchTasks: () => Promise<void>;
  readonly hostFor: (ctx: ServerContext) => ToolHost;
}

function openState(server: Server, options: ServerOptions): State {
  let client: Promise<Client> | undefined;
  const building = new Set<string>();
  const getClient = () => {
    client ??= loadClient(options.env ?? process.env);
    // A home that could not be used may be put right meanwhile.
    client.catch(() => (client = undefined));
    return client;
  };
  const keepBuilding = (environment: string) => {
    if (building.has(environment)) return;
    building.add(environment);
    getClient()
      .then((client) => client.call("env.pull", { environment }))
      // Whoever waits for it is told why it failed.
      .catch(() => {})
      .finally(() => building.delete(environment));
  };
  const onFailure = (ctx: ServerContext) => (tool: string, error: PyroError) => {
    if (errorKinds[error.code].fault === "caller") return;
    const { code, message } = error.toBody();
    options.onError?.(error);
    ctx.mcpReq.log("error", { tool, code, message }, "pyro").catch(() => {});
  };
  let watching: Promise<() => void> | undefined;
  let settling: NodeJS.Timeout | undefined;
  const tell = () => {
    clearTimeout(settling);
    // A client that is gone needs no watching for.
    const stop = () => void watching?.then((end) => end());
    settling = setTimeout(() => void server.sendResourceListChanged().catch(stop), SETTLE_MS).unref();
  };
  const watchTasks = async () => {
    const { home } = await getClient();
    watching ??= import("../../client/watch-tasks.js").then((module) => module.watchTasks(home, tell));
    await watching;
  };
  const onResult = (tool: string, { removed }: Readonly<Record<string, unknown>>) => {
    if (CHANGES_TASKS.has(tool) && !(Array.isArray(removed) && removed.length === 0)) tell();
  };
  return {
    client: getClient,
    watchTasks,
    hostFor: (ctx: ServerContext): ToolHost => ({
      client: getClient,
      patienceMs: options.patienceMs ?? PATIENCE_MS,
      keepBuilding,
      carrier: () => carrierFor(clientNameOf(server, ctx), options.env ?? process.env),
      onFailure: onFailure(ctx),
      onResult,
    }),
  };
}
