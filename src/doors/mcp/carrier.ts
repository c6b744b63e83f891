import { PyroError } from "../../contract/errors.js";

/** The form of an answer that contains a command's whole output; the other form has only its head and tail. */
export type Carrier = "text" | "structured" | "both";

const VARIABLE = "PYRO_MCP_OUTPUT";

/**
 * Names of clients that show the model the structured content and drop the text. Every other client
 * gets the output as text, which all clients can show. docs/decisions/0022-mcp-output-once.md lists the findings for each client.
 */
const structuredClients = [/^claude-code\b/i, /^codex\b/i, /^cursor\b/i];
/** Clients whose behaviour depends on the version. */
const mixedClients = [/^opencode\b/i, /^visual studio code\b/i];

/** The form for a client: PYRO_MCP_OUTPUT, else by the client's name. Throws INVALID_ARGUMENT for an unknown word. */
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
