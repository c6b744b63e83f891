import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { z } from "zod";

import { errorKinds } from "./errors.js";
import { takesArchive, type Operation } from "./operation.js";
import { operations } from "./operations.js";
import type { JsonSchema, OperationSchemas, RenderedContract, RenderedField, RenderedOperation } from "./rendered.js";
import { networkVariables, trustVariables } from "./host-variables.js";

/** Writes the contract as plain JSON, so that the CLI process needs no zod. Run by `npm run build`, from dist/contract. */

interface JsonSchemaField {
  type?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  description?: string;
  hidden?: boolean;
  flag?: string;
  enum?: readonly string[];
  resolved?: boolean;
  items?: { type?: string };
  anyOf?: readonly { type?: string }[];
}

/** A field that accepts a text or a list is a text on the command line. */
function typeOf(name: string, { type, items, anyOf }: JsonSchemaField): RenderedField["type"] {
  if (anyOf?.some((option) => option.type === "string")) return "string";
  if (type === "array") return items?.type === "string" ? "list" : "object";
  if (type === "string" || type === "integer" || type === "boolean" || type === "object") return type;
  throw new Error(`field ${name}: the CLI has no flag for type ${type}`);
}

function renderField(name: string, schema: JsonSchemaField, required: boolean): RenderedField {
  const { description } = schema;
  const type = typeOf(name, schema);
  return {
    name,
    type,
    required,
    description: description ?? "",
    ...(schema.hidden === true ? { hidden: true } : {}),
    ...(schema.default === undefined ? {} : { default: schema.default }),
    ...(schema.flag === undefined ? {} : { flag: schema.flag }),
    ...(schema.enum === undefined ? {} : { values: schema.enum }),
    ...(schema.resolved === true ? { resolved: true } : {}),
    ...(type === "integer" ? { minimum: schema.minimum ?? 0, maximum: schema.maximum ?? 0 } : {}),
  };
}

function renderOperation(operation: Operation): RenderedOperation {
  const input = z.toJSONSchema(operation.input, { io: "input" });
  const required = new Set(input.required ?? []);
  const fields = Object.entries(input.properties ?? {}).map(([name, schema]) =>
    renderField(name, schema as JsonSchemaField, required.has(name)),
  );
  const { name, summary, effect, streams = false, body, bulk = [], cli, sdk, mcp } = operation;
  return {
    ...{
      name,
      summary,
      streams,
      stdin: body === "session",
      content: body === "content",
      upload: takesArchive(operation),
      readOnly: effect === "reads",
      isLocal: operation.isLocal ?? false,
    },
    ...{ bulk, cli, sdk: sdk?.method ?? null, mcp: mcp?.tool ?? null, fields },
  };
}

/** Schemas of results allow unknown fields, because later versions may add some. */
function renderSchemas(input: z.ZodObject, output: z.ZodObject): OperationSchemas {
  const override = ({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }) => {
    if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  };
  const render = (schema: z.ZodObject, options: Parameters<typeof z.toJSONSchema>[1]) => {
    const rendered = z.toJSONSchema(schema, options);
    delete rendered.$schema;
    return rendered as JsonSchema;
  };
  return { input: render(input, { io: "input" }), result: render(output, { io: "output", override }) };
}

const product = new URL("../src/contract/", import.meta.url);
mkdirSync(product, { recursive: true });

function writeJson(name: string, value: unknown): void {
  writeFileSync(new URL(name, product), `${JSON.stringify(value)}\n`);
}

const packageFile = new URL("../../package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(packageFile, "utf8")) as { version: string };
const rendered: RenderedContract = {
  version,
  operations: Object.values(operations).map(renderOperation),
  exitStatuses: Object.fromEntries(Object.entries(errorKinds).map(([code, { exitStatus }]) => [code, exitStatus])),
  networkVariables: [...networkVariables],
  trustVariables: [...trustVariables],
};
const schemas = Object.fromEntries(
  Object.values(operations).map(({ name, input, output }) => [name, renderSchemas(input, output)]),
);
writeJson("rendered.json", rendered);
writeJson("schemas.json", schemas);
