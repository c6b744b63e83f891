/** The MCP clients whose configuration pyro knows. */
export const mcpClients = ["claude-code", "claude-desktop", "codex", "cursor", "vscode", "opencode", "gemini"] as const;

export type McpClient = (typeof mcpClients)[number];
