import type { Handler } from "../core/core.js";
import { saveTasks } from "../core/save-tasks.js";
import type { Lifetime } from "./lifetime.js";

export function buildStop(lifetime: Lifetime): Handler<"daemon.stop"> {
  return async ({ tasks }, { save }, call) => {
    // From here on no call can start a saved task again.
    if (save) lifetime.end("a client asked");
    const outcome = save ? await saveTasks(tasks, call) : { saved: [], unsaved: [] };
    lifetime.stop("a client asked", call.signal);
    return { pid: process.pid, stopped: true, ...outcome };
  };
}
