import { join } from "node:path";

import { existsSync } from "../host/files.js";
import { findHomePath } from "../host/home.js";
import { Client } from "./client.js";

/** A client of the running daemon; null when none runs. Does not create the home. */
export async function findRunning(env: NodeJS.ProcessEnv = process.env): Promise<Client | null> {
  return existsSync(join(findHomePath(env), "run", "daemon.sock")) ? new Client(env) : null;
}
