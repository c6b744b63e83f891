import { z } from "zod";

import { mcpProfiles, type Effect, type McpProfile, type Operation } from "../../contract/operation.js";
import { operations, type OperationName } from "../../contract/operations.js";
import { buildInputSchema, buildOutputSchema, type ToolSchema } from "./schemas.js";

/** A tool as a client sees it in `tools/list`. */
interface ListedTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: ToolSchema;
  readonly outputSchema?: ToolSchema;
  readonly annotations: Annotations;
}

/** A tool's annotations for clients. */
interface Annotations {
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/**
 * A command in a VM cannot destroy the user's data; the VM isolates it. With a network it may reach the
 * outside world, and can send the VM's files there.
 */
const annotations: Record<Effect, Annotations> = {
  reads: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
  creates: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  runs: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  writes: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: true },
  removes: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  stops: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
};

/** A tool: an operation of the contract, offered to a model. */
export interface Tool {
  readonly name: string;
  readonly operation: OperationName;
  /** The operation's input without hidden fields, and with the fields that this door adds. */
  readonly input: z.ZodObject;
  /** Result fields that may be cut: see `Operation`. */
  readonly bulk: readonly string[];
  /** The answer has no structured content. */
  readonly textOnly: boolean;
  /** Input fields with a waiting time. */
  readonly waits: readonly string[];
  readonly listed: ListedTool;
}

/** Fields that this door adds to operations. It removes them from the arguments before it calls the daemon. */
const added = {
  stdin: z.string().describe("Text for the command's standard input.").optional(),
  max_output_bytes: z
    .int()
    .min(256)
    .max(1_048_576)
    .default(32_768)
    .describe("Maximum output in the answer; head and tail are kept."),
  destination: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe("Existing directory to write into instead, inside the one that the server allows; relative to it."),
  raw: z.boolean().default(false).describe("Keep terminal codes in the output."),
};

/** Fields that the profile core leaves out: few calls need them, and every session would pay for them. */
const beyondCore: readonly string[] = [
  ...["raw", "links", "include", "labels", "name_only"],
  ...["network_allow", "network_deny", "network_allow_host", "network_host_proxy", "network_host_ca"],
];

const tools = new Map<string, ReadonlyMap<string, Tool>>();

/** The tools of a server. */
interface Offer {
  readonly profile: McpProfile;
  readonly mayPull: boolean;
}

/**
 * The operations that have an MCP name and belong to a profile, in the order of the contract. Core leaves out the schemas of answers;
 * a pull has a destination only where the server allows one.
 */
export function readTools(profile: McpProfile = "standard", mayPull = false): ReadonlyMap<string, Tool> {
  const key = `${profile} ${mayPull}`;
  const found = tools.get(key) ?? buildTools({ profile, mayPull });
  tools.set(key, found);
  return found;
}

/** Builds the tools. When an earlier tool's answer has all fields of an answer, that answer is listed as an object only. */
function buildTools(offer: Offer): ReadonlyMap<string, Tool> {
  const named: Set<string>[] = [];
  const isNamed = ({ shape }: z.ZodObject) => {
    const fields = Object.keys(shape);
    if (named.some((known) => fields.every((field) => known.has(field)))) return true;
    named.push(new Set(fields));
    return false;
  };
  return new Map(Object.values(operations).flatMap((each) => buildTool(each, offer, isNamed)));
}

function isIn(wanted: McpProfile, profile: McpProfile): boolean {
  return mcpProfiles.indexOf(wanted) <= mcpProfiles.indexOf(profile);
}

function buildTool(operation: Operation, offer: Offer, isNamed: (output: z.ZodObject) => boolean): [string, Tool][] {
  const { profile } = offer;
  const { name, mcp, output, effect, bulk = [] } = operation;
  if (mcp === null || !isIn(mcp.profile ?? "standard", profile)) return [];
  const { tool, title, description } = mcp;
  const input = buildInput(operation, offer);
  const listed = {
    ...{ name: tool, title, description, annotations: annotations[effect] },
    inputSchema: buildInputSchema(input),
    ...(mcp.textOnly || profile === "core" ? {} : { outputSchema: outputSchemaOf(output, profile, isNamed) }),
  };
  const waits = fieldsMarked(input, "waits");
  const textOnly = mcp.textOnly === true;
  return [[tool, { name: tool, operation: name as OperationName, input, bulk, textOnly, waits, listed }]];
}

function outputSchemaOf(
  output: z.ZodObject,
  profile: McpProfile,
  isNamed: (output: z.ZodObject) => boolean,
): ToolSchema {
  return isNamed(output) ? { type: "object" } : buildOutputSchema(output, profile === "full");
}

/** The fields that the contract marks in their metadata. */
function fieldsMarked({ shape }: z.ZodObject, mark: "forPrograms" | "hidden" | "waits"): string[] {
  return Object.keys(shape).filter((name) => (shape[name] as z.ZodType).meta()?.[mark] === true);
}

function buildInput({ name, input, body, bulk = [] }: Operation, { profile, mayPull }: Offer): z.ZodObject {
  // The operation has its own limit.
  const isLimited = "max_bytes" in input.shape;
  const showsOutput = bulk.some((path) => !path.endsWith("[]"));
  const whole = input.extend({
    ...(body === "session" ? { stdin: added.stdin } : {}),
    ...(showsOutput && !isLimited ? { max_output_bytes: added.max_output_bytes } : {}),
    ...(showsOutput ? { raw: added.raw } : {}),
    ...(name === "task.sync.pull" && mayPull ? { destination: added.destination } : {}),
  });
  const withheld = [
    ...fieldsMarked(whole, "hidden"),
    ...fieldsMarked(whole, "forPrograms"),
    ...(profile === "core" ? beyondCore.filter((name) => name in whole.shape) : []),
  ];
  return whole.omit(Object.fromEntries(withheld.map((name) => [name, true])));
}
