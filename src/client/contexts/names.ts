import { findHomePath } from "../../host/home.js";
import { LOCAL } from "./context.js";
import { readContexts } from "./contexts.js";

/** The names of the contexts of a home, which need not exist. */
export function listNames(env: NodeJS.ProcessEnv): string[] {
  return [LOCAL, ...Object.keys(readContexts(findHomePath(env)).all)];
}
