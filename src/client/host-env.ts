/** How programs of this machine are told of a proxy, and pyro of a mirror. */
const NAMES = new Set(["http_proxy", "https_proxy", "no_proxy", "all_proxy", "ftp_proxy", "pyro_debian_mirror"]);

/** Those of the caller's variables that say how the network is reached from here. */
export function pickHostEnv(env: NodeJS.ProcessEnv): Record<string, string> {
  const picked = Object.entries(env).filter(([name, value]) => NAMES.has(name.toLowerCase()) && value);
  return Object.fromEntries(picked) as Record<string, string>;
}
