import { chooseContext } from "../contexts/contexts.js";
import type { Home } from "../../host/home.js";
import { openKubernetes } from "./kubernetes.js";
import { openLocal } from "./local.js";
import { openSsh } from "./ssh.js";
import type { Transport } from "./transport.js";

/** The way to the daemon that the environment and the home choose. Throws NOT_FOUND for an unknown context. */
export function openTransport(home: Home, env: NodeJS.ProcessEnv): Transport {
  const context = chooseContext(home.path, env);
  if (context === null) return openLocal(home, env);
  return context.kind === "ssh" ? openSsh(context, home, env) : openKubernetes(context, home, env);
}
