import type { OperationName } from "../../contract/operations.js";
import type { RenderedContract, RenderedOperation } from "../../contract/rendered.js";
import { contextField, jsonField, ownFlag, type Command } from "./command.js";
import { ownCommands } from "./own-commands.js";

/** Every command: those of the contract, and the CLI's own. */
export function buildCommands(contract: RenderedContract): Command[] {
  return [...contract.operations.flatMap(buildCommand), ...ownCommands];
}

const noStdin = ownFlag("no_stdin", "boolean", "Do not read standard input; the command reads end of file at once.");

function buildCommand(operation: RenderedOperation): Command[] {
  const { cli, fields, stdin, content } = operation;
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
        ...(stdin ? [noStdin] : []),
        ...Object.entries(cli.flags ?? {}).map(([name, description]) => ownFlag(name, "boolean", description)),
        ...Object.entries(cli.options ?? {}).map(([name, description]) => ownFlag(name, "string", description)),
        contextField,
        jsonField,
      ],
      ...(content && { freeText: "content" }),
      examples: cli.examples ?? [],
      operation: operation.name as OperationName,
    },
  ];
}
