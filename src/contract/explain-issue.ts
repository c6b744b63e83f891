import type { z } from "zod";

import { nearestName } from "./nearest.js";

/** Explains to people why a value was refused. `whole` is the checked input; the issue names a part of it. */
export function explainIssue(issue: z.core.$ZodIssue, whole: unknown): string {
  const found = findPart(whole, issue.path);
  switch (issue.code) {
    case "invalid_type":
      return `expected ${kinds[issue.expected] ?? "another kind of value"}, not ${kindOf(found)}`;
    case "too_small":
      return explainSize(issue.origin, Number(issue.minimum), "at least");
    case "too_big":
      return explainSize(issue.origin, Number(issue.maximum), "at most");
    case "invalid_value":
      return explainValues(issue.values.map(String), found);
    case "unrecognized_keys":
      return `unknown field: ${issue.keys.join(", ")}`;
    case "invalid_key":
    case "invalid_element": {
      const [inner] = issue.issues;
      const name = issue.path.at(-1);
      return inner && issue.code === "invalid_key"
        ? `the name is refused: ${explainIssue(inner, name)}`
        : "not accepted";
    }
    default:
      return ownWords(issue.message);
  }
}

const kinds: Readonly<Record<string, string>> = {
  string: "text",
  int: "a whole number",
  number: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};

function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "number") return Number.isInteger(value) ? "a number" : "a fraction";
  if (typeof value === "boolean") return String(value);
  return typeof value === "string" ? "text" : "an object";
}

function explainSize(origin: string, limit: number, bound: "at least" | "at most"): string {
  if (origin === "string") return limit === 1 && bound === "at least" ? "it is empty" : `${bound} ${limit} characters`;
  if (origin === "array") return limit === 1 && bound === "at least" ? "it is empty" : `${bound} ${limit} entries`;
  return `${bound} ${limit}`;
}

function explainValues(values: readonly string[], found: unknown): string {
  const accepted = `expected one of ${values.join(", ")}`;
  if (typeof found !== "string") return `${accepted}, not ${kindOf(found)}`;
  const near = nearestName(
    found,
    values.map((value) => value.toLowerCase()),
  );
  const meant = values.find((value) => value.toLowerCase() === near);
  return meant ? `${accepted}. Did you mean ${meant}?` : accepted;
}

/** Returns the contract's own message; the library's default message helps no user. */
function ownWords(message: string): string {
  return message.startsWith("Invalid") ? "the format is not accepted" : message;
}

function findPart(whole: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? (value as Record<PropertyKey, unknown>)[key]
        : undefined,
    whole,
  );
}
