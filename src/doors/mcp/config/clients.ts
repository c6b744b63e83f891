import { join } from "node:path";

import type { McpClient } from "../../../contract/mcp-clients.js";

/** How to start the server: a program, its arguments, and what it must find in its environment. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Where a client keeps its servers, and how it writes one down. */
interface ClientConfig {
  readonly title: string;
  readonly format: "json" | "toml";
  /** The client's file for one user. */
  readonly path: (env: NodeJS.ProcessEnv, home: string) => string;
  /** Where in the file the server stands. */
  readonly place: readonly [string, string];
  readonly build: (launch: Launch) => Readonly<Record<string, unknown>>;
}

/** What the server is called in a client. */
const NAME = "pyro";
/** For clients that let a call last this long when they are told so. */
const TOOL_TIMEOUT_SECONDS = 600;

const plain = ({ command, args, env }: Launch) => ({ command, args, ...ifAny("env", env) });
const typed = (launch: Launch) => ({ type: "stdio", ...plain(launch) });

/** As each client's own documentation has it; docs/mcp/ says where. */
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
