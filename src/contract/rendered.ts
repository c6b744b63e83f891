import { readFileSync } from "node:fs";

import type { CliShape } from "./operation.js";

/** The contract as data, for doors that must start fast. `render.ts` writes it during the build. */
export interface RenderedContract {
  readonly version: string;
  readonly operations: readonly RenderedOperation[];
  readonly exitStatuses: Readonly<Record<string, number>>;
  /** The names in lower case, as those of `trustVariables`; for clients in other languages. */
  readonly networkVariables: readonly string[];
  readonly trustVariables: readonly string[];
}

export interface RenderedOperation {
  readonly name: string;
  readonly summary: string;
  readonly streams: boolean;
  readonly stdin: boolean;
  /** The content of a file may follow the input. */
  readonly content: boolean;
  readonly upload: boolean;
  readonly readOnly: boolean;
  /** True when the client implements it with other operations; it has no route. */
  readonly isLocal: boolean;
  readonly bulk: readonly string[];
  readonly cli: CliShape | null;
  readonly sdk: string | null;
  readonly mcp: string | null;
  readonly fields: readonly RenderedField[];
}

export interface RenderedField {
  readonly name: string;
  /** `list` is a list of texts; its flag may be repeated. */
  readonly type: "string" | "list" | "integer" | "boolean" | "object";
  readonly required: boolean;
  readonly description: string;
  /** True for a field that clients set themselves; no door offers it. */
  readonly hidden?: boolean;
  readonly default?: unknown;
  /** True when the daemon fills in the default, so clients send only values that the caller gave. */
  readonly resolved?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  /** The allowed texts of an enumeration. */
  readonly values?: readonly string[];
  /** Name of its flag, if it differs from the field's name. */
  readonly flag?: string;
}

let contract: RenderedContract | undefined;

export function readContract(): RenderedContract {
  contract ??= JSON.parse(readFileSync(new URL("rendered.json", import.meta.url), "utf8")) as RenderedContract;
  return contract;
}

/** The schemas of one operation's input and result, as JSON Schema. */
export interface OperationSchemas {
  readonly input: JsonSchema;
  readonly result: JsonSchema;
}

/** The subset of JSON Schema that the contract uses. */
export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
}

let schemas: Readonly<Record<string, OperationSchemas>> | undefined;

/** The schemas as data, without loading zod. */
export function schemasOf(name: string): OperationSchemas {
  schemas ??= JSON.parse(readFileSync(new URL("schemas.json", import.meta.url), "utf8")) as typeof schemas & object;
  const found = schemas[name];
  if (!found) throw new Error(`operation ${name} has no schemas`);
  return found;
}
