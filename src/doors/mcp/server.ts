import { Server, type ServerContext } from "@modelcontextprotocol/server";

import type { Client } from "../../client/client.js";
import { errorKinds, PyroError } from "../../contract/errors.js";
import type { McpProfile } from "../../contract/operation.js";
import { readContract } from "../../contract/rendered.js";
import type { ToolHost } from "./call-tool.js";
import { carrierFor } from "./carrier.js";
import { instructions } from "./instructions.js";

export interface ServerOptions {
  /** Environment variables with the daemon's home and settings. */
  readonly env?: NodeJS.ProcessEnv;
  /** Called with errors that are not a client's mistake. */
  readonly onError?: (error: Error) => void;
  /** How long a call waits for a task's command. */
  readonly patienceMs?: number;
  /** Which tools are offered; the standard ones by default. */
  readonly profile?: McpProfile;
  /** The real path of a directory that pulls may write to; null when only the task's own is allowed. */
  readonly pullRoot?: string | null;
}

/** Below 60 s, the time-out of most clients, even of those that receive progress. */
const PATIENCE_MS = 45_000;

/**
 * An MCP server with pyro's tools, resources and prompt, for any transport. It calls the daemon of
 * `PYRO_HOME`. The first call starts the daemon and loads the modules that it needs.
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
    return { tools: [...readTools(options.profile, mayPull(options)).values()].map(({ listed }) => listed) as never };
  });
  server.setRequestHandler("tools/call", async ({ params }, ctx) => {
    const { callTool } = await import("./call-tool.js");
    return callTool(state.hostFor(ctx), params.name, params.arguments ?? {}, ctx);
  });
  serveResources(server, state);
  servePrompt(server);
  return server;
}

function mayPull({ pullRoot = null }: ServerOptions): boolean {
  return pullRoot !== null;
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

/** The client's name, which it sends with each request or once at initialization. */
function clientNameOf(server: Server, ctx: ServerContext): string | undefined {
  const envelope = ctx.mcpReq.envelope as Readonly<Record<string, { name?: string } | undefined>> | undefined;
  return envelope?.["io.modelcontextprotocol/clientInfo"]?.name ?? server.getClientVersion()?.name;
}

async function loadClient(env: NodeJS.ProcessEnv): Promise<Client> {
  const { openClient } = await import("../../client/client.js");
  return openClient(env);
}

/** Tools that change the list of tasks. */
const CHANGES_TASKS = new Set(["task_create", "task_delete", "vm_reap_expired"]);

/** Delay that merges several changes of the list into one notification. */
const SETTLE_MS = 50;

interface State {
  readonly client: () => Promise<Client>;
  /** Starts to notify the client when tasks are created or removed, by any client. */
  readonly watchTasks: () => Promise<void>;
  readonly hostFor: (ctx: ServerContext) => ToolHost;
}

function openState(server: Server, options: ServerOptions): State {
  let client: Promise<Client> | undefined;
  const building = new Set<string>();
  const getClient = () => {
    client ??= loadClient(options.env ?? process.env);
    // An unusable home may have been fixed since.
    client.catch(() => (client = undefined));
    return client;
  };
  const keepBuilding = (environment: string) => {
    if (building.has(environment)) return;
    building.add(environment);
    getClient()
      .then((client) => client.call("env.pull", { environment }))
      // The waiting call reports the failure.
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
    // The client has disconnected; stop watching.
    const stop = () => void watching?.then((end) => end());
    settling = setTimeout(() => void server.sendResourceListChanged().catch(stop), SETTLE_MS).unref();
  };
  const watchTasks = async () => {
    const { home, transport } = await getClient();
    // Another machine's directories cannot be watched.
    if (transport.context !== null) return;
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
      profile: options.profile ?? "standard",
      pullRoot: options.pullRoot ?? null,
      patienceMs: options.patienceMs ?? PATIENCE_MS,
      keepBuilding,
      carrier: () => carrierFor(clientNameOf(server, ctx), options.env ?? process.env),
      onFailure: onFailure(ctx),
      onResult,
    }),
  };
}
