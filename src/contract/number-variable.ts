import { PyroError } from "./errors.js";
import { limits } from "./limits.js";

/** Environment variables that hold a number, with their limits and their unit. */
export const numberVariables = {
  PYRO_TIMEOUT_SECONDS: { ...limits.timeoutSeconds, unit: "seconds" },
  PYRO_DAEMON_IDLE_SECONDS: { ...limits.daemonIdleSeconds, unit: "seconds" },
  PYRO_MAX_MEMORY_MIB: { ...limits.totalMib, unit: "MiB" },
  PYRO_MAX_DISK_MIB: { ...limits.totalMib, unit: "MiB" },
  PYRO_MAX_VMS: { ...limits.totalVms, unit: "a number of VMs" },
} as const;

const SHOWN_CHARACTERS = 100;

/** The number that a variable holds; null when it is unset or empty. Throws INVALID_ARGUMENT with the name, the value and the limits. */
export function readNumberVariable(env: NodeJS.ProcessEnv, name: keyof typeof numberVariables): number | null {
  const text = env[name] ?? "";
  if (text === "") return null;
  const { min, max, unit } = numberVariables[name];
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  const shown = text.slice(0, SHOWN_CHARACTERS);
  throw new PyroError("INVALID_ARGUMENT", `${name} must be a whole number from ${min} to ${max}, not ${shown}.`, {
    hint: `Set ${name} to ${unit}, or unset it.`,
    details: { variable: name, value: shown, minimum: min, maximum: max },
  });
}
