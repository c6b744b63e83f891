import type { CallToolResult } from "@modelcontextprotocol/server";

import type { PyroError } from "../../contract/errors.js";
import type { Operation } from "../../contract/operation.js";
import { operations } from "../../contract/operations.js";

/**
 * An error as a tool result, so that the model can correct itself: code and message, the facts, the next step. It has no
 * structured content, which clients validate against the output schema; programs find the same data in `_meta`.
 */
export function buildFailure(error: PyroError): CallToolResult {
  const body = { ...error.toBody(), hint: speakOfTools(error.hint) };
  const lines = [`${error.code}: ${error.message}`, ...renderFacts(error), `Next step: ${body.hint}`];
  return { isError: true, content: [{ type: "text", text: lines.join("\n") }], _meta: { "pyro-mcp/error": body } };
}

interface Issue {
  readonly field: string;
  readonly message: string;
}

function renderFacts({ details, message }: PyroError): string[] {
  const { issues, ...facts } = details as { issues?: readonly Issue[] };
  const further = (issues ?? []).slice(1).map((issue) => `${issue.field}: ${issue.message}`);
  const lines = Object.entries(facts)
    .filter(([, value]) => value !== null && value !== "" && !message.includes(String(value)))
    .map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : String(value)}`);
  return [...further, ...lines];
}

/** Replaces CLI commands in a hint by the equivalent tools. */
function speakOfTools(hint: string): string {
  return hint
    .replaceAll(/`pyro ([^`]+)`/g, (whole, words: string) => {
      const operation = Object.values<Operation>(operations).find(
        ({ cli, mcp }) => mcp !== null && cli !== null && `${words} `.startsWith(`${cli.words.join(" ")} `),
      );
      return operation?.mcp ? operation.mcp.tool : words.startsWith("help") ? "the tool's input schema" : whole;
    })
    .replaceAll(/--([a-z][a-z-]+)/g, (_, flag: string) => flag.replaceAll("-", "_"));
}
