import type { z } from "zod";

import { PyroError } from "../contract/errors.js";

/** Input as its schema has it, with defaults filled in. Throws INVALID_ARGUMENT that names fields and limits. */
export function parseInput<Schema extends z.ZodObject>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => ({ field: path.join("."), message }));
  const [first] = issues;
  const where = first?.field ? `${first.field}: ` : "";
  throw new PyroError("INVALID_ARGUMENT", `${where}${first?.message ?? "invalid input"}`, { details: { issues } });
}
