import { resolve } from "node:path";

export { findHomePath } from "../host/home.js";

/** Selects a daemon. */
interface Selection {
  readonly home?: string | undefined;
  readonly context?: string | undefined;
}

/** The environment of a client that names its home or context. A relative path starts at the working directory. */
export function withHome(env: NodeJS.ProcessEnv, { home, context }: Selection): NodeJS.ProcessEnv {
  const own = {
    ...(home !== undefined && { PYRO_HOME: home === "~" || home.startsWith("~/") ? home : resolve(home) }),
    ...(context !== undefined && { PYRO_CONTEXT: context }),
  };
  return { ...env, ...own };
}
