import { z } from "zod";

import type { Operation } from "../../contract/operation.js";
import { operations, type OperationName } from "../../contract/operations.js";
import { buildInputSchema, buildOutputSchema, hasCommandOutput, type ToolSchema } from "./schemas.js";
import { textOf, type ToolText } from "./tool-texts.js";

/** A tool as a client sees it in `tools/list`. */
interface ListedTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: ToolSchema;
  readonly outputSchema: ToolSchema;
  readonly annotations: ToolText["annotations"];
}

/** A tool: an operation of the contract, offered to a model. */
export interface Tool {
  readonly name: string;
  readonly operation: OperationName;
  /** The operation's input less what no door offers, and with what this door adds. */
  readonly input: z.ZodObject;
  readonly listed: ListedTool;
}

/** What this door adds to operations, and takes from the arguments again before the daemon is asked. */
const added = {
  stdin: z.string().describe("Text for the command's standard input.").optional(),
  max_output_bytes: z
    .int()
    .min(256)
    .max(1_048_576)
    .default(32_768)
    .describe("Most output in the answer; head and tail are kept."),
  raw: z.boolean().default(false).describe("Keep terminal codes in the output."),
};

let tools: ReadonlyMap<string, Tool> | undefined;

/** Every operation that has an MCP name, in the order of the contract. */
export function readTools(): ReadonlyMap<string, Tool> {
  tools ??= new Map(Object.values(operations).flatMap(buildTool));
  return tools;
}

function buildTool(operation: Operation): [string, Tool][] {
  const { name, mcp, output, summary } = operation;
  if (mcp === null) return [];
  const input = buildInput(operation);
  const listed = {
    name: mcp,
    ...textOf(mcp, summary),
    inputSchema: buildInputSchema(input),
    outputSchema: buildOutputSchema(output),
  };
  return [[mcp, { name: mcp, operation: name as OperationName, input, listed }]];
}

function buildInput({ input, output, stdin }: Operation): z.ZodObject {
  const hidden = Object.entries(input.shape)
    .filter(([, field]) => (field as z.ZodType).meta()?.["hidden"] === true)
    .map(([name]) => [name, true]);
  // A limit of the operation itself is the one there is.
  const isLimited = "max_bytes" in input.shape;
  const showsOutput = hasCommandOutput(output);
  return input.omit(Object.fromEntries(hidden)).extend({
    ...(stdin ? { stdin: added.stdin } : {}),
    ...(showsOutput && !isLimited ? { max_output_bytes: added.max_output_bytes } : {}),
    ...(showsOutput ? { raw: added.raw } : {}),
  });
}
