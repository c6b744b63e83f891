import { PyroError } from "../contract/errors.js";
import { isolationLevels, isolationVariable, type IsolationLevel } from "../contract/isolation-levels.js";
import { readNumberVariable } from "../contract/number-variable.js";
import type { Ceilings } from "../core/machines/budget.js";
import { assertIdPrefix } from "../host/new-id.js";

interface Settings {
  /** How long the daemon stays without calls and VMs. */
  readonly idleMs: number;
  /** How long a stop waits for aborted calls. */
  readonly cleanUpMs: number;
  /** Limits on all VMs together. */
  readonly ceilings: Ceilings;
  /** The least isolation that every VM must have; null for what the caller allows. */
  readonly requiredIsolation: IsolationLevel | null;
}

const DEFAULT_IDLE_SECONDS = 600;

/** The daemon's settings from its environment. Throws INVALID_ARGUMENT that names the variable. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  assertIdPrefix(env);
  const idleSeconds = readNumberVariable(env, "PYRO_DAEMON_IDLE_SECONDS") ?? DEFAULT_IDLE_SECONDS;
  const ceilings = {
    memoryMib: readNumberVariable(env, "PYRO_MAX_MEMORY"),
    diskMib: readNumberVariable(env, "PYRO_MAX_DISK"),
    vms: readNumberVariable(env, "PYRO_MAX_VMS"),
  };
  return { idleMs: idleSeconds * 1000, cleanUpMs: 10_000, ceilings, requiredIsolation: readIsolation(env) };
}

function readIsolation(env: NodeJS.ProcessEnv): IsolationLevel | null {
  const text = env[isolationVariable] ?? "";
  if (text === "") return null;
  const level = isolationLevels.find((name) => name === text);
  if (level) return level;
  throw new PyroError(
    "INVALID_ARGUMENT",
    `${isolationVariable} must be one of ${isolationLevels.join(", ")}, not ${text}.`,
    {
      hint: `Set ${isolationVariable} to one of them, or unset it.`,
      details: { variable: isolationVariable, value: text, allowed: isolationLevels },
    },
  );
}
