import { resolve } from "node:path";

const KEPT = new Set([
  "HOME",
  "LANG",
  "LOGNAME",
  "PATH",
  "TMPDIR",
  "TZ",
  "USER",
  "XDG_RUNTIME_DIR",
  "all_proxy",
  "ftp_proxy",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "ALL_PROXY",
  "FTP_PROXY",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
]);
const PATHS = ["TMPDIR", "XDG_RUNTIME_DIR"];

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
