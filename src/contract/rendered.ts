import { readFileSync } from "node:fs";

import type { CliShape } from "./operation.js";

/** The contract as data: what a door needs that must start fast. `render.ts` writes it when pyro is built. */
export interface RenderedContract {
  readonly version: string;
  readonly operations: readonly RenderedOperation[];
  readonly exitStatuses: Readonly<Record<string, number>>;
  /** In lower case; for clients in other languages. */
  readonly trustVariables: readonly string[];
}

export interface RenderedOperation {
  readonly name: string;
  readonly summary: string;
  readonly streams: boolean;
  readonly stdin: boolean;
  readonly upload: boolean;
  readonly readOnly: boolean;
  /** True for what a client does by itself: it has no route. */
  readonly isLocal: boolean;
  readonly bulk: readonly string[];
  readonly cli: CliShape | null;
  readonly sdk: string | null;
  readonly mcp: string | null;
  readonly fields: readonly RenderedField[];
}

export interface RenderedField {
  readonly name: string;
  /** A list is one of texts; its flag may be given again. */
  readonly type: "string" | "list" | "integer" | "boolean" | "object";
  readonly required: boolean;
  readonly description: string;
  /** True for what clients say to the daemon by themselves: no door offers it. */
  readonly hidden?: boolean;
  readonly default?: unknown;
  /** True when the daemon fills the default in: a client that is given no value sends none. */
  readonly resolved?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  /** The texts that it may be, when there are few. */
  readonly values?: readonly string[];
  /** The name of its flag, where that is not the field's own. */
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

/** As much of JSON Schema as the contract uses. */
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

/** What a door needs that follows the schemas, without loading zod. */
export function schemasOf(name: string): OperationSchemas {
  schemas ??= JSON.parse(readFileSync(new URL("schemas.json", import.meta.url), "utf8")) as typeof schemas & object;
  const found = schemas[name];
  if (!found) throw new Error(`there are no schemas of ${name}`);
  return found;
}

/** The OpenAPI document, as text. */
export function readOpenApi(): string {
  return readFileSync(new URL("openapi.json", import.meta.url), "utf8");
}
