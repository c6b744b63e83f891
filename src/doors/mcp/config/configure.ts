import { homedir } from "node:os";
import { fileURLToPath } from "node:url";

import { findHomePath } from "../../../client/home-env.js";
import { resolveAllowedRoot } from "../../../client/pull/allowed.js";
import { isOnPath, readUserFile, replaceUserFile } from "../../../client/user-file.js";
import { PyroError } from "../../../contract/errors.js";
import { mcpClients, type McpClient } from "../../../contract/mcp-clients.js";
import type { McpProfile } from "../../../contract/operation.js";
import { nearestName } from "../../../contract/nearest.js";
import { clients, type Launch } from "./clients.js";
import { mergeServer, renderServer, UnmergeableError } from "./merge.js";

const pyroPath = fileURLToPath(new URL("../../../../../bin/pyro", import.meta.url));

interface Wish {
  readonly client: string;
  /** True to merge it into the client's file. */
  readonly write: boolean;
  /** A file to use instead of the client's own. */
  readonly file: string | null;
  readonly profile?: McpProfile;
  /** A directory into which a model may pull, besides that of a task. */
  readonly allowPull?: string | null;
}

/** `pyro mcp config`: returns the configuration for a client as text, or writes it and returns a report. Throws PyroError. */
export async function configure(wish: Wish, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const config = clients[findClient(wish.client)];
  const path = wish.file ?? config.path(env, env["HOME"] || homedir());
  const server = config.build(await buildLaunch(env, wish));
  if (!wish.write) return renderServer(config.format, config.place, server);
  const before = await readUserFile(path);
  let merged: string;
  try {
    merged = mergeServer(config.format, before ?? "", config.place, server);
  } catch (error) {
    if (!(error instanceof UnmergeableError)) throw error;
    throw new PyroError("FAILED_PRECONDITION", `${path} was not changed: ${error.message}.`, {
      hint: `Correct the file, or add the output of \`pyro mcp config ${wish.client}\` by hand.`,
      details: { path },
      cause: error,
    });
  }
  if (merged === before) return `${path} already contains the server.\n`;
  const backup = await replaceUserFile(path, merged);
  const kept = backup === null ? "" : `The previous file is kept as ${backup}.\n`;
  return `Wrote the server pyro to ${path}.\n${kept}Restart ${config.title} to use it.\n`;
}

function findClient(name: string): McpClient {
  const found = mcpClients.find((client) => client === name);
  if (found) return found;
  const near = nearestName(name, mcpClients);
  throw new PyroError("INVALID_ARGUMENT", `Unknown MCP client ${name}.`, {
    hint: near ? `Did you mean ${near}?` : `Known clients: ${mcpClients.join(", ")}.`,
  });
}

/** Uses the name if it is on PATH; else absolute paths, which work with any PATH. */
async function buildLaunch(env: NodeJS.ProcessEnv, { profile = "standard", allowPull = null }: Wish): Promise<Launch> {
  // The client starts the server in a directory of its own choice.
  const pullWords = allowPull === null ? [] : ["--allow-pull", await resolveAllowedRoot(allowPull)];
  const words = ["mcp", "serve", ...(profile === "standard" ? [] : ["--profile", profile]), ...pullWords];
  if (env["PYRO_CONTEXT"]) words.push("--context", env["PYRO_CONTEXT"]);
  const own = env["PYRO_HOME"] ? { PYRO_HOME: findHomePath(env) } : {};
  if (await isOnPath("pyro", pyroPath, env)) return { command: "pyro", args: words, env: own };
  return { command: process.execPath, args: [pyroPath, ...words], env: own };
}
