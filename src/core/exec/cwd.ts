import { posix } from "node:path";

/** The directory of a command: a relative one starts at `base`, the directory of commands without one. */
export function resolveCwd(given: string | undefined, base: string): string {
  if (given === undefined) return base;
  return given.startsWith("/") ? given : posix.join(base, given);
}
