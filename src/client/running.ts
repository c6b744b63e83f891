import { join } from "node:path";

import { existsSync } from "../host/files.js";
import { findHomePath } from "../host/home.js";
import { Client } from "./client.js";
import { chooseContext } from "./contexts/contexts.js";

/** A client of the running daemon of this machine; null when none runs, or another machine is meant. Does not create the home. */
export async function findRunning(env: NodeJS.ProcessEnv = process.env): Promise<Client | null> {
  const path = findHomePath(env);
  if (chooseContext(path, env) !== null) return null;
  return existsSync(join(path, "run", "daemon.sock")) ? new Client(env) : null;
}
