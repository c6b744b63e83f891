import type { OperationName } from "../../contract/operations.js";
import type { RenderedContract, RenderedField, RenderedOperation } from "../../contract/rendered.js";
import { jsonField, ownFlag, type Command } from "./command.js";
import { ownCommands } from "./own-commands.js";

/** Every command: those of the contract, and the CLI's own. */
export function buildCommands(contract: RenderedContract): Command[] {
  return [...contract.operations.flatMap(buildCommand), ...ownCommands];
}

const noStdin = ownFlag("no_stdin", "boolean", "Leave standard input alone; the command reads its end at once.");

/** Flags that the CLI adds to those of an operation. */
const addedFlags: { readonly [Name in OperationName]?: readonly RenderedField[] } = {
  "vm.run": [noStdin],
  "task.create": [ownFlag("quiet", "boolean", "Print the id only.")],
  "task.list": [ownFlag("quiet", "boolean", "Print ids only, one a line.")],
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
