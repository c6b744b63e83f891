import type { OperationName } from "../contract/operations.js";
import type { Handler } from "../core/core.js";
import { handlers, type LocalOperation } from "../core/handlers.js";
import type { Lifetime } from "./lifetime.js";
import { buildStatus } from "./status.js";
import { buildStop } from "./stop.js";

export type Handlers = { readonly [Name in Exclude<OperationName, LocalOperation>]: Handler<Name> };

/** The core's operations, and those about the daemon itself. */
export function buildHandlers(lifetime: Lifetime): Handlers {
  return { ...handlers, "daemon.status": buildStatus(lifetime), "daemon.stop": buildStop(lifetime) };
}
