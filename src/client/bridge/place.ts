import { join } from "node:path";

import { readContract } from "../../contract/rendered.js";
import type { Home } from "../../host/home.js";
import type { KubernetesContext } from "../contexts/context.js";
import { shortDigest } from "../../host/short-digest.js";

/** A context, and the files of its bridge in this machine's runtime directory. */
export interface BridgePlace {
  readonly context: KubernetesContext;
  readonly home: Home;
  readonly env: NodeJS.ProcessEnv;
  readonly socket: string;
  /** Held while the bridge lives. */
  readonly lock: string;
  /** Why a bridge could not start. */
  readonly log: string;
}

/** Another version, or another kubeconfig, has another bridge. */
export function bridgePlaceOf(context: KubernetesContext, home: Home, env: NodeJS.ProcessEnv): BridgePlace {
  // The name says nothing about the way to the pods.
  const facts = [{ ...context, name: null }, env["KUBECONFIG"] ?? "", readContract().version];
  const key = shortDigest(JSON.stringify(facts), 8);
  const named = (end: string) => join(home.runtime, `${key}.${end}`);
  return { context, home, env, socket: named("k"), lock: named("kl"), log: named("log") };
}
