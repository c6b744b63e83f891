import { serveStdio } from "@modelcontextprotocol/server/stdio";

import { createServer } from "./server.js";
import { StdioTransport } from "./transport.js";

/** How long answers that were given may take to reach a client that has closed its end. */
const FLUSH_MS = 500;

/**
 * Serves one client on standard input and output until it closes them, or the process is told to end. Standard output
 * carries the protocol and nothing else; what a person should know goes to standard error.
 */
export async function serve(): Promise<number> {
  const log = (error: Error) => void process.stderr.write(`pyro mcp: ${error.message}\n`);
  process.stderr.on("error", () => {});
  const transport = new StdioTransport(process.stdin, process.stdout);
  const handle = serveStdio(() => createServer({ onError: log }), { transport, onerror: log });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void handle.close());
  await transport.closed;
  await Promise.race([
    new Promise<void>((resolve) => process.stdout.write("", () => resolve())),
    new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MS)),
  ]);
  return 0;
}
