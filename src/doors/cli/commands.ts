import { mcpClients } from "../../contract/mcp-clients.js";
import type { OperationName } from "../../contract/operations.js";
import type { RenderedContract, RenderedField, RenderedOperation } from "../../contract/rendered.js";

/** One thing to type after `pyro`. */
export interface Command {
  readonly words: readonly string[];
  readonly summary: string;
  readonly positionals: readonly RenderedField[];
  /** Takes everything after `--`. */
  readonly rest: RenderedField | null;
  readonly flags: readonly RenderedField[];
  /** The operation it asks for; null for what only the CLI does. */
  readonly operation: OperationName | null;
}

export const shells = ["bash", "zsh", "fish"] as const;

/** Every command: those of the contract, and the CLI's own. */
export function buildCommands(contract: RenderedContract): Command[] {
  return [...contract.operations.flatMap(buildCommand), ...ownCommands];
}

export function nameOf(command: Command): string {
  return command.words.join(" ");
}

/** Flags with one letter, as other tools have them. */
const letters: Readonly<Record<string, string>> = { no_stdin: "-n" };

/** The flag of one letter for a field, if it has one. */
export function letterOf(field: RenderedField): string | undefined {
  return letters[field.name];
}

/** The flag of a field: `--mem-mib` for `mem_mib`. */
export function flagOf(field: RenderedField): string {
  return `--${field.name.replaceAll("_", "-")}`;
}

const jsonField: RenderedField = {
  name: "json",
  type: "boolean",
  required: false,
  description: "Print one JSON object and nothing else.",
};

const shellField: RenderedField = {
  name: "shell",
  type: "string",
  required: true,
  description: `One of ${shells.join(", ")}.`,
};

const own = (words: readonly string[], summary: string, parts: Partial<Command> = {}): Command => ({
  words,
  summary,
  positionals: [],
  rest: null,
  flags: [],
  operation: null,
  ...parts,
});

/** A flag of the CLI alone. */
function ownFlag(name: string, type: "boolean" | "string", description: string): RenderedField {
  return { name, type, required: false, description };
}

const clientField: RenderedField = {
  name: "client",
  type: "string",
  required: true,
  description: `One of ${mcpClients.join(", ")}.`,
};

const ownCommands: readonly Command[] = [
  own(["mcp", "serve"], "Serve the tools of an agent over MCP, on standard input and output"),
  own(["mcp", "config"], "Show what an MCP client's configuration needs, or put it there", {
    positionals: [clientField],
    flags: [
      ownFlag("write", "boolean", "Merge it into the client's file; what was there is kept as a backup."),
      ownFlag("file", "string", "Another file than the client's own."),
    ],
  }),
  own(["demo"], "Show in a minute what pyro does"),
  own(["demo", "ollama"], "Let a local model of Ollama work in VMs", {
    flags: [ownFlag("model", "string", "Model to use; by default the first one that can call tools.")],
  }),
  own(["daemon", "start"], "Start the daemon, unless it runs; other commands do so by themselves", {
    flags: [jsonField],
  }),
  own(["completion"], "Print completions for your shell", { positionals: [shellField] }),
];

const noStdin = ownFlag("no_stdin", "boolean", "Leave standard input alone; the command reads its end at once.");

/** Flags that the CLI adds to those of an operation. */
const addedFlags: { readonly [Name in OperationName]?: readonly RenderedField[] } = {
  "vm.run": [noStdin],
  "task.exec": [noStdin],
  "task.exec_output": [ownFlag("follow", "boolean", "Go on until the command has ended; Ctrl-C leaves it running.")],
};

function buildCommand(operation: RenderedOperation): Command[] {
  const { cli, fields } = operation;
  if (!cli) return [];
  const byName = (name: string) => fields.filter((field) => field.name === name);
  const taken = new Set([...cli.positionals, cli.rest]);
  return [
    {
      words: cli.words,
      summary: operation.summary,
      positionals: cli.positionals.flatMap(byName),
      rest: cli.rest ? (byName(cli.rest)[0] ?? null) : null,
      flags: [
        ...fields.filter((field) => !taken.has(field.name) && !field.hidden),
        ...(addedFlags[operation.name as OperationName] ?? []),
        jsonField,
      ],
      operation: operation.name as OperationName,
    },
  ];
}
