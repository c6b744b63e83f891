import type { Handler } from "../core/core.js";
import type { Lifetime } from "./lifetime.js";

export function buildStop(lifetime: Lifetime): Handler<"daemon.stop"> {
  return async (_core, _input, call) => {
    lifetime.stop("a client asked", call.signal);
    return { pid: process.pid, stopped: true };
  };
}
