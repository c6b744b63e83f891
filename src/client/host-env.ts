import { resolve } from "node:path";

import { isTrustVariable, networkVariables } from "../contract/host-variables.js";

/** Picks the caller's variables that an operation needs: its proxies, and the certificates that it trusts. */
export function pickHostEnv(
  env: NodeJS.ProcessEnv,
  wanted: { readonly proxies: boolean; readonly trust: boolean },
): Record<string, string> {
  const picked = Object.entries(env).flatMap(([name, value]) => {
    if (!value) return [];
    if (wanted.proxies && networkVariables.has(name.toLowerCase())) return [[name, value]];
    // The daemon has another working directory.
    return wanted.trust && isTrustVariable(name) ? [[name, resolve(value)]] : [];
  });
  return Object.fromEntries(picked) as Record<string, string>;
}
