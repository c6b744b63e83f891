import { mcpClients } from "../../contract/mcp-clients.js";
import type { RenderedField } from "../../contract/rendered.js";
import { jsonField, ownFlag, type Command } from "./command.js";

export const shells = ["bash", "zsh", "fish"] as const;

interface OwnCommand {
  readonly summary: string;
  readonly positionals?: readonly RenderedField[];
  readonly flags?: readonly RenderedField[];
}

/** Commands that no operation stands behind, by the words to type. perform-own.ts does each. */
const commands = {
  "mcp serve": { summary: "Serve the tools of an agent over MCP, on standard input and output" },
  "mcp config": {
    summary: "Show what an MCP client's configuration needs, or put it there",
    positionals: [oneOf("client", mcpClients)],
    flags: [
      ownFlag("write", "boolean", "Merge it into the client's file; what was there is kept as a backup."),
      ownFlag("file", "string", "Another file than the client's own."),
    ],
  },
  demo: { summary: "Show in a minute what pyro does" },
  "demo ollama": {
    summary: "Let a local model of Ollama work in VMs",
    flags: [ownFlag("model", "string", "Model to use; by default the first one that can call tools.")],
  },
  "daemon start": {
    summary: "Start the daemon, unless it runs; other commands do so by themselves",
    flags: [jsonField],
  },
  completion: { summary: "Print completions for your shell", positionals: [oneOf("shell", shells)] },
} as const satisfies Readonly<Record<string, OwnCommand>>;

export type OwnCommandName = keyof typeof commands;

export const ownCommands: readonly Command[] = Object.entries<OwnCommand>(commands).map(
  ([name, { summary, positionals = [], flags = [] }]) => ({
    words: name.split(" "),
    summary,
    positionals,
    rest: null,
    flags,
    operation: null,
  }),
);

function oneOf(name: string, values: readonly string[]): RenderedField {
  return { name, type: "string", required: true, description: `One of ${values.join(", ")}.`, values };
}
