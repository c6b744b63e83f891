import { withHome } from "../../client/home-env.js";

/** A way for messages to and from a client: any transport of the MCP SDK, such as its `StdioServerTransport`. */
export interface McpTransport {
  start(): Promise<void>;
  // oxlint-disable-next-line typescript/no-explicit-any -- the messages are opaque here; the MCP SDK's types are not needed.
  send(message: any, options?: any): Promise<void>;
  close(): Promise<void>;
}

/** Options of an MCP server. */
export interface McpServerOptions {
  /** The daemon's home; default `PYRO_HOME`, or `~/.pyro`. A relative path starts at the working directory. */
  readonly home?: string | undefined;
  /** A context of the home, as `pyro context add` makes it; default `PYRO_CONTEXT`, or the current one. "local" is this machine. */
  readonly context?: string | undefined;
  /** Called with errors that are not a client's mistake. */
  readonly onError?: ((error: Error) => void) | undefined;
}

/** pyro's MCP server: the tools, resources and prompt of `pyro mcp serve`, for any transport. */
export class McpServer {
  readonly #options: McpServerOptions;
  #server: { close(): Promise<void> } | undefined;

  constructor(options: McpServerOptions = {}) {
    this.#options = options;
  }

  /** Serves one client over a transport. The MCP SDK is loaded only here. */
  async connect(transport: McpTransport): Promise<void> {
    const { createServer } = await import("../mcp/server.js");
    const { onError } = this.#options;
    const server = createServer({ env: withHome(process.env, this.#options), ...(onError && { onError }) });
    this.#server = server;
    await server.connect(transport as never);
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    await this.#server?.close();
  }
}

/** pyro's MCP server, to be connected to a transport: `await createServer().connect(new StdioServerTransport())`. */
export function createServer(options: McpServerOptions = {}): McpServer {
  return new McpServer(options);
}
