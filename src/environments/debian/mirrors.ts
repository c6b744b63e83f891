import { runCommand } from "./tools.js";

/** PYRO_DEBIAN_MIRROR: one mirror or sources line on each line; an empty list means the distribution's own mirrors. */
export function readMirrors(): string[] {
  return (process.env["PYRO_DEBIAN_MIRROR"] ?? "").split("\n").filter((line) => line.trim() !== "");
}

/** The host's apt may need a proxy to reach the archive: its settings, as apt's options are written. */
export async function readProxyOptions(signal: AbortSignal): Promise<string[]> {
  const names = ["Acquire::http::Proxy", "Acquire::https::Proxy"];
  const { stdout } = await runCommand(["apt-config", "dump", "--format", '%f "%v"%n', ...names], { signal });
  return stdout
    .split("\n")
    .filter((line) => names.some((name) => line.startsWith(`${name} "`) && !line.endsWith(' ""')));
}
