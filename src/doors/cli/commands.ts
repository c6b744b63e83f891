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

const modelField: RenderedField = {
  name: "model",
  type: "string",
  required: false,
  description: "Model to use; by default the first one that can call tools.",
};

const ownCommands: readonly Command[] = [
  {
    words: ["demo"],
    summary: "Show in a minute what pyro does",
    positionals: [],
    rest: null,
    flags: [],
    operation: null,
  },
  {
    words: ["demo", "ollama"],
    summary: "Let a local model of Ollama work in VMs",
    positionals: [],
    rest: null,
    flags: [modelField],
    operation: null,
  },
  {
    words: ["daemon", "start"],
    summary: "Start the daemon, unless it runs; other commands do so by themselves",
    positionals: [],
    rest: null,
    flags: [jsonField],
    operation: null,
  },
  {
    words: ["completion"],
    summary: "Print completions for your shell",
    positionals: [shellField],
    rest: null,
    flags: [],
    operation: null,
  },
];

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
      flags: [...fields.filter((field) => !taken.has(field.name) && !field.hidden), jsonField],
      operation: operation.name as OperationName,
    },
  ];
}
