import { resolve } from "node:path";

export { findHomePath } from "../host/home.js";

/** The environment of a client that names its home. A relative path starts at the working directory. */
export function withHome(env: NodeJS.ProcessEnv, home: string | undefined): NodeJS.ProcessEnv {
  if (home === undefined) return env;
  return { ...env, PYRO_HOME: home === "~" || home.startsWith("~/") ? home : resolve(home) };
}
