import { z } from "zod";

/** The JSON schema of a tool. */
export interface ToolSchema {
  readonly type: "object";
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly [keyword: string]: unknown;
}

type JsonSchema = Readonly<Record<string, unknown>>;

/** Keywords kept in an input schema: those that a model needs. Limits and patterns are checked later, and an error explains them. */
const INPUT_KEYWORDS = ["type", "enum", "description", "default", "items", "properties", "required", "anyOf"];
/** Keywords kept in an output schema: names and types. Every session pays for each word of a schema, even if it never calls the tool. */
const OUTPUT_KEYWORDS = ["type", "properties", "items", "anyOf"];

export function buildInputSchema(input: z.ZodObject): ToolSchema {
  const schema = z.toJSONSchema(input, { io: "input" }) as JsonSchema;
  return { ...compact(schema, INPUT_KEYWORDS), additionalProperties: false } as unknown as ToolSchema;
}

/**
 * The fields of an answer, with their types on request. Objects within objects and lists are reduced to `type: object`;
 * their fields are visible in the answer itself.
 */
export function buildOutputSchema(output: z.ZodObject, hasTypes: boolean): ToolSchema {
  const schema = z.toJSONSchema(output, { io: "output" }) as JsonSchema;
  const outline = compact(schema, OUTPUT_KEYWORDS);
  return {
    ...outline,
    properties: mapValues(outline["properties"], hasTypes ? outlineOf : () => ({})),
  } as unknown as ToolSchema;
}

function outlineOf(schema: JsonSchema): JsonSchema {
  const { items, type } = schema as { items?: JsonSchema; type?: unknown };
  if (items && isSchema(items["properties"])) return { type, items: { type: items["type"] } };
  return isSchema(schema["properties"]) ? { type } : schema;
}

function mapValues(properties: unknown, map: (schema: JsonSchema) => JsonSchema): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(properties as Record<string, JsonSchema>).map(([name, schema]) => [name, map(schema)]),
  );
}

function compact(schema: JsonSchema, keywords: readonly string[]): JsonSchema {
  const nullable = nullableOf(schema);
  if (nullable && keywords === OUTPUT_KEYWORDS) return compact(nullable, keywords);
  const kept: Record<string, unknown> = {};
  for (const keyword of keywords) {
    const value = schema[keyword];
    if (value === undefined || isEmptyDefault(keyword, value)) continue;
    kept[keyword] =
      keyword === "properties"
        ? mapValues(forModels(value), (field) => compact(field, keywords))
        : compactNested(value, keywords);
  }
  if (schema["type"] === "object" && isSchema(schema["additionalProperties"])) {
    kept["additionalProperties"] = compact(schema["additionalProperties"], keywords);
  }
  return kept;
}

function forModels(properties: unknown): Record<string, JsonSchema> {
  const all = Object.entries(properties as Record<string, JsonSchema>);
  return Object.fromEntries(all.filter(([, schema]) => schema["forPrograms"] !== true));
}

/** Rewrites `anyOf` of a schema and null as that schema with null among its types. */
function nullableOf({ anyOf }: JsonSchema): JsonSchema | null {
  if (!Array.isArray(anyOf) || anyOf.length !== 2) return null;
  const [first, second] = anyOf as [JsonSchema, JsonSchema];
  if (second["type"] !== "null") return null;
  return { ...first, type: [first["type"], "null"] };
}

function compactNested(value: unknown, keywords: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((item) => (isSchema(item) ? compact(item, keywords) : item));
  return isSchema(value) && "type" in value ? compact(value, keywords) : value;
}

/** True for an empty default, which the schema need not state. */
function isEmptyDefault(keyword: string, value: unknown): boolean {
  if (keyword !== "default") return false;
  return value === false || value === "" || (typeof value === "object" && Object.keys(value ?? {}).length === 0);
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
