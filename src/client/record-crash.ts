import { appendLineSync } from "../host/files.js";
import { openHome } from "../host/home.js";

/** The level of `fatal` in the daemon's log, which this line joins. */
const FATAL = 60;

/** Writes a bug that ends this client to its home's log. Returns the log's path, or null when it cannot be written. */
export function recordCrash(thrown: unknown, env: NodeJS.ProcessEnv = process.env): string | null {
  try {
    const { daemonLog } = openHome(env);
    const { name, message, stack } = thrown instanceof Error ? thrown : new Error(String(thrown));
    const err = { type: name, message, stack };
    const line = { level: FATAL, time: new Date().toISOString(), client: process.pid, err, msg: "a client crashed" };
    appendLineSync(daemonLog, JSON.stringify(line));
    return daemonLog;
  } catch {
    return null;
  }
}
