import { join } from "node:path";

import type { SshContext } from "../contexts/context.js";
import type { Home } from "../../host/home.js";
import { shortDigest } from "../../host/short-digest.js";

/** A context, and the files of its connection in this machine's runtime directory. */
export interface Place {
  readonly context: SshContext;
  readonly env: NodeJS.ProcessEnv;
  /** The socket of ssh's master. ssh adds 17 characters while it makes it. */
  readonly control: string;
  /** The socket at which ssh's master takes streams for the daemon there. */
  readonly socket: string;
  /** The ports that this machine forwards. */
  readonly ports: string;
  /** Locked while these change. */
  readonly portsLock: string;
}

/** Names are short, since a unix socket's path holds 107 bytes. */
export function placeOf(context: SshContext, home: Home, env: NodeJS.ProcessEnv): Place {
  const { url, pyro, home: there } = context;
  const key = shortDigest(JSON.stringify([url, pyro, there]), 8);
  const named = (end: string) => join(home.runtime, `${key}.${end}`);
  return { context, env, control: named("c"), socket: named("s"), ports: named("p"), portsLock: named("l") };
}
