import { PyroError } from "../contract/errors.js";

interface Settings {
  /** How long the daemon stays without calls and VMs. */
  readonly idleMs: number;
  /** How long a stop waits for aborted calls. */
  readonly cleanUpMs: number;
}

const DEFAULT_IDLE_SECONDS = 600;
const MAX_IDLE_SECONDS = 1_000_000;

/** The daemon's settings from its environment. Throws INVALID_ARGUMENT that names the variable. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const idle = env["PYRO_DAEMON_IDLE_SECONDS"] || String(DEFAULT_IDLE_SECONDS);
  if (!/^\d{1,7}$/.test(idle) || Number(idle) < 1 || Number(idle) > MAX_IDLE_SECONDS) {
    throw new PyroError(
      "INVALID_ARGUMENT",
      `PYRO_DAEMON_IDLE_SECONDS must be a whole number from 1 to ${MAX_IDLE_SECONDS}, not ${idle}.`,
    );
  }
  return { idleMs: Number(idle) * 1000, cleanUpMs: 10_000 };
}
