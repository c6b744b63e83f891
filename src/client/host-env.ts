import { resolve } from "node:path";

import { isTrustVariable } from "../contract/trust-variables.js";

/** Variables that name a proxy for programs of this machine, and a mirror for pyro. */
const PROXIES = new Set(["http_proxy", "https_proxy", "no_proxy", "all_proxy", "ftp_proxy", "pyro_debian_mirror"]);

/** Those of the caller's variables that an operation needs: how the network is reached from here, and whom it trusts. */
export function pickHostEnv(
  env: NodeJS.ProcessEnv,
  wanted: { readonly proxies: boolean; readonly trust: boolean },
): Record<string, string> {
  const picked = Object.entries(env).flatMap(([name, value]) => {
    if (!value) return [];
    if (wanted.proxies && PROXIES.has(name.toLowerCase())) return [[name, value]];
    // The daemon has another working directory.
    return wanted.trust && isTrustVariable(name) ? [[name, resolve(value)]] : [];
  });
  return Object.fromEntries(picked) as Record<string, string>;
}
