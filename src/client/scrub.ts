import { resolve } from "node:path";

import { proxyVariables } from "../contract/host-variables.js";

/** Absolute in the daemon, which has another working directory than the client. */
const PATHS = ["DOCKER_CONFIG", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "TMPDIR", "XDG_RUNTIME_DIR"];
const KEPT = new Set([
  "HOME",
  "LANG",
  "LOGNAME",
  "PATH",
  "TZ",
  "USER",
  ...PATHS,
  ...proxyVariables.flatMap((name) => [name, name.toUpperCase()]),
]);

/** The daemon's environment: only the variables that it needs, without the secrets of the client that starts it. */
export function scrubEnvironment(env: NodeJS.ProcessEnv, homePath: string): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(env)) {
    if (!value || !(KEPT.has(name) || name.startsWith("LC_") || name.startsWith("PYRO_"))) continue;
    kept[name] = PATHS.includes(name) ? resolve(value) : value;
  }
  kept["PYRO_HOME"] = homePath;
  return kept;
}
