import type { z } from "zod";

import { PyroError } from "./errors.js";
import { explainIssue } from "./explain-issue.js";
import { nearestName } from "./nearest.js";

/** Parses an input by its schema and fills in defaults. Throws INVALID_ARGUMENT, which names fields and limits. */
export function parseInput<Schema extends z.ZodObject>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues
    .flatMap((issue) => describe(issue, input))
    // A misspelt field explains why another one is missing.
    .sort((a, b) => rank(schema, a) - rank(schema, b));
  const [first] = issues;
  const where = first?.field ? `${first.field}: ` : "";
  throw new PyroError("INVALID_ARGUMENT", `${where}${first?.message ?? "invalid input"}`, {
    hint: hintFor(schema, first?.field ?? ""),
    details: { issues },
  });
}

interface Issue {
  readonly field: string;
  readonly message: string;
}

function describe(issue: z.core.$ZodIssue, input: unknown): Issue[] {
  const [name] = issue.path;
  if (issue.code === "unrecognized_keys" && issue.path.length === 0)
    return issue.keys.map((field) => ({ field, message: "unknown field" }));
  const isMissing = issue.path.length === 1 && isRecord(input) && input[String(name)] === undefined;
  return [{ field: issue.path.join("."), message: isMissing ? "it is required" : explainIssue(issue, input) }];
}

/** Sorts unknown fields before known ones. */
function rank(schema: z.ZodObject, { field }: Issue): number {
  const [name = ""] = field.split(".");
  return name === "" || name in schema.shape ? 1 : 0;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** An optional field has its description in the inner schema. */
function describeField(field: z.ZodType): string | undefined {
  return (
    field.description ?? ("unwrap" in field ? (field as z.ZodOptional<z.ZodType>).unwrap().description : undefined)
  );
}

/** The description of a known field; for an unknown field, the nearest known one. */
function hintFor(schema: z.ZodObject, field: string): string {
  const names = Object.keys(schema.shape);
  const [name = ""] = field.split(".");
  const known = schema.shape[name] as z.ZodType | undefined;
  if (known) return `${field}: ${describeField(known) ?? "see `pyro help`."}`;
  const near = nearestName(field, names);
  if (near) return `Did you mean ${near}?`;
  return names.length === 0 ? "It takes no input." : `It takes ${names.join(", ")}.`;
}
