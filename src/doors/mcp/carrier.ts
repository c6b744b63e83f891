import { PyroError } from "../../contract/errors.js";

/** Which form of an answer has the whole output of a command; the other one has its beginning and end. */
export type Carrier = "text" | "structured" | "both";

const VARIABLE = "PYRO_MCP_OUTPUT";

/**
 * Clients that show the model the structured content and drop the text, by the names that they give themselves. Every other client
 * gets the output as text, which every client knows how to show. docs/decisions/0022-mcp-output-once.md has what was found out about each.
 */
const structuredClients = [/^claude-code\b/i, /^codex\b/i, /^cursor\b/i];
/** Clients whose versions differ. */
const mixedClients = [/^opencode\b/i, /^visual studio code\b/i];

/** Where a client's output goes: as PYRO_MCP_OUTPUT says, else by the client's name. Throws INVALID_ARGUMENT for another word. */
export function carrierFor(clientName: string | undefined, env: NodeJS.ProcessEnv): Carrier {
  const chosen = env[VARIABLE] ?? "";
  if (chosen === "text" || chosen === "structured" || chosen === "both") return chosen;
  if (chosen !== "") {
    throw new PyroError(
      "INVALID_ARGUMENT",
      `${VARIABLE} must be text, structured or both, not ${chosen.slice(0, 100)}.`,
      {
        hint: `Set ${VARIABLE} to one of them where the MCP client starts pyro, or unset it.`,
        details: { variable: VARIABLE },
      },
    );
  }
  const isOneOf = (names: readonly RegExp[]) => names.some((name) => name.test(clientName ?? ""));
  if (isOneOf(mixedClients)) return "both";
  return isOneOf(structuredClients) ? "structured" : "text";
}
