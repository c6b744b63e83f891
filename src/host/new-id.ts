import { randomBytes } from "node:crypto";

import { PyroError } from "../contract/errors.js";

/** The first six digits of every id that the daemon of a pod makes: an id there names its pod. */
const VARIABLE = "PYRO_ID_PREFIX";
const DIGITS = 12;

/** A new id: its kind and twelve hexadecimal digits. */
export function newId(kind: "snap" | "task" | "vm", env: NodeJS.ProcessEnv = process.env): string {
  const prefix = env[VARIABLE] ?? "";
  return `${kind}-${prefix}${randomBytes(DIGITS / 2)
    .toString("hex")
    .slice(prefix.length)}`;
}

/** Throws INVALID_ARGUMENT for a prefix that would make ids of another form. */
export function assertIdPrefix(env: NodeJS.ProcessEnv): void {
  const prefix = env[VARIABLE] ?? "";
  if (/^([0-9a-f]{6})?$/.test(prefix)) return;
  throw new PyroError("INVALID_ARGUMENT", `${VARIABLE} must be six hexadecimal digits, not ${prefix}.`, {
    hint: `Unset ${VARIABLE}; only the pod of a task needs it.`,
    details: { variable: VARIABLE, value: prefix },
  });
}
