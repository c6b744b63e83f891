import { serveStdio } from "@modelcontextprotocol/server/stdio";

import type { McpProfile } from "../../contract/operation.js";
import { createServer } from "./server.js";
import { StdioTransport } from "./transport.js";

/** How long to flush answers after the client has closed its end. */
const FLUSH_MS = 500;

/**
 * Serves one client on standard input and output until it closes them or the process gets a signal. Standard output
 * carries only the protocol; messages for people go to standard error.
 */
export async function serve({
  profile,
  allowPull,
}: {
  profile: McpProfile;
  allowPull: string | null;
}): Promise<number> {
  const pullRoot = allowPull === null ? null : await resolvePullRoot(allowPull);
  const log = (error: Error) => void process.stderr.write(`pyro mcp: ${error.message}\n`);
  process.stderr.on("error", () => {});
  const transport = new StdioTransport(process.stdin, process.stdout);
  const handle = serveStdio(() => createServer({ onError: log, profile, pullRoot }), { transport, onerror: log });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => void handle.close());
  await transport.closed;
  await Promise.race([
    new Promise<void>((resolve) => process.stdout.write("", () => resolve())),
    new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MS)),
  ]);
  return 0;
}

async function resolvePullRoot(path: string): Promise<string> {
  const { resolveAllowedRoot } = await import("../../client/pull/allowed.js");
  return resolveAllowedRoot(path);
}
