import { PyroError } from "./errors.js";
import { limits } from "./limits.js";

/** Environment variables that hold a number of seconds, with their limits. */
export const numberVariables = {
  PYRO_TIMEOUT_SECONDS: limits.timeoutSeconds,
  PYRO_DAEMON_IDLE_SECONDS: limits.daemonIdleSeconds,
} as const;

const SHOWN_CHARACTERS = 100;

/** The number that a variable holds; null when it is unset or empty. Throws INVALID_ARGUMENT with the name, the value and the limits. */
export function readNumberVariable(env: NodeJS.ProcessEnv, name: keyof typeof numberVariables): number | null {
  const text = env[name] ?? "";
  if (text === "") return null;
  const { min, max } = numberVariables[name];
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  const shown = text.slice(0, SHOWN_CHARACTERS);
  throw new PyroError("INVALID_ARGUMENT", `${name} must be a whole number from ${min} to ${max}, not ${shown}.`, {
    hint: `Set ${name} to seconds, or unset it.`,
    details: { variable: name, value: shown, minimum: min, maximum: max },
  });
}
