import { join } from "node:path";

import type { McpClient } from "../../../contract/mcp-clients.js";

/** How to start the server: program, arguments and environment. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Location and format of a client's server configuration. */
interface ClientConfig {
  readonly title: string;
  readonly format: "json" | "toml";
  /** The client's file for one user. */
  readonly path: (env: NodeJS.ProcessEnv, home: string) => string;
  /** Path of the server within the file. */
  readonly place: readonly [string, string];
  readonly build: (launch: Launch) => Readonly<Record<string, unknown>>;
}

/** Name of the server in clients. */
const NAME = "pyro";
/** Time-out of a call, for clients that let the configuration set one. */
const TOOL_TIMEOUT_SECONDS = 600;

const plain = ({ command, args, env }: Launch) => ({ command, args, ...ifAny("env", env) });
const typed = (launch: Launch) => ({ type: "stdio", ...plain(launch) });

/** Taken from each client's documentation; docs/mcp/ has the links. */
export const clients: Readonly<Record<McpClient, ClientConfig>> = {
  "claude-code": {
    title: "Claude Code",
    format: "json",
    path: (env, home) => join(env["CLAUDE_CONFIG_DIR"] || home, ".claude.json"),
    place: ["mcpServers", NAME],
    build: typed,
  },
  "claude-desktop": {
    title: "Claude Desktop",
    format: "json",
    path: (env, home) => join(configHome(env, home), "Claude", "claude_desktop_config.json"),
    place: ["mcpServers", NAME],
    build: plain,
  },
  codex: {
    title: "Codex",
    format: "toml",
    path: (env, home) => join(env["CODEX_HOME"] || join(home, ".codex"), "config.toml"),
    place: ["mcp_servers", NAME],
    build: (launch) => ({ ...plain(launch), tool_timeout_sec: TOOL_TIMEOUT_SECONDS }),
  },
  cursor: {
    title: "Cursor",
    format: "json",
    path: (_, home) => join(home, ".cursor", "mcp.json"),
    place: ["mcpServers", NAME],
    build: plain,
  },
  vscode: {
    title: "VS Code",
    format: "json",
    path: (env, home) => join(configHome(env, home), "Code", "User", "mcp.json"),
    place: ["servers", NAME],
    build: typed,
  },
  opencode: {
    title: "OpenCode",
    format: "json",
    path: (env, home) => join(configHome(env, home), "opencode", "opencode.json"),
    place: ["mcp", NAME],
    build: ({ command, args, env }) => ({
      type: "local",
      command: [command, ...args],
      enabled: true,
      ...ifAny("environment", env),
    }),
  },
  gemini: {
    title: "Gemini CLI",
    format: "json",
    path: (_, home) => join(home, ".gemini", "settings.json"),
    place: ["mcpServers", NAME],
    build: (launch) => ({ ...plain(launch), timeout: TOOL_TIMEOUT_SECONDS * 1000 }),
  },
};

function configHome(env: NodeJS.ProcessEnv, home: string): string {
  return env["XDG_CONFIG_HOME"] || join(home, ".config");
}

function ifAny(name: string, env: Launch["env"]): Record<string, unknown> {
  return Object.keys(env).length > 0 ? { [name]: env } : {};
}
