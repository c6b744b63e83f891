import { PyroError } from "./errors.js";
import { limits } from "./limits.js";

/** Units of sizes, in MiB. */
const sizes = { "": 1, m: 1, mib: 1, g: 1024, gib: 1024, t: 1_048_576, tib: 1_048_576 } as const;
/** A count has no unit. */
const counts = { "": 1 } as const;

/** Environment variables that hold a number, with their limits and the units that may follow it. */
export const numberVariables = {
  PYRO_TIMEOUT_SECONDS: { ...limits.timeoutSeconds, units: counts, expected: "seconds" },
  PYRO_DAEMON_IDLE_SECONDS: { ...limits.daemonIdleSeconds, units: counts, expected: "seconds" },
  PYRO_MAX_MEMORY: { ...limits.totalMib, units: sizes, expected: "a size such as 16GiB, or to MiB" },
  PYRO_MAX_DISK: { ...limits.totalMib, units: sizes, expected: "a size such as 200GiB, or to MiB" },
  PYRO_MAX_VMS: { ...limits.totalVms, units: counts, expected: "a number of VMs" },
} as const;

const SHOWN_CHARACTERS = 100;

/**
 * The number that a variable holds, in MiB for a size; null when it is unset or empty. Throws INVALID_ARGUMENT with the name, the value and
 * the limits.
 */
export function readNumberVariable(env: NodeJS.ProcessEnv, name: keyof typeof numberVariables): number | null {
  const text = env[name] ?? "";
  if (text === "") return null;
  const { min, max, units, expected } = numberVariables[name];
  const [, digits, unit = ""] = /^(\d+)([a-z]*)$/i.exec(text) ?? [];
  const factor = new Map<string, number>(Object.entries(units)).get(unit.toLowerCase());
  const value = Number(digits) * (factor ?? NaN);
  if (value >= min && value <= max) return value;
  const shown = text.slice(0, SHOWN_CHARACTERS);
  const kind = units === sizes ? `a size from ${min} to ${max} MiB` : `a whole number from ${min} to ${max}`;
  throw new PyroError("INVALID_ARGUMENT", `${name} must be ${kind}, not ${shown}.`, {
    hint: `Set ${name} to ${expected}, or unset it.`,
    details: { variable: name, value: shown, minimum: min, maximum: max },
  });
}
