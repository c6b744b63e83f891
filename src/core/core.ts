import type { InputOf, OperationName, ResultOf } from "../contract/operations.js";
import type { Environments } from "../environments/saved/with-saved.js";
import type { ControlGroups } from "../host/control-groups.js";
import type { Home } from "../host/home.js";
import type { Log } from "../host/log.js";
import type { Toolchains } from "../toolchain/toolchains.js";
import type { Call } from "./call.js";
import type { Isolation } from "./isolation.js";
import type { Budget } from "./machines/budget.js";
import type { BuildSources } from "./environments/build/sources.js";
import type { Machines } from "./machines/machines.js";
import type { Backends } from "./machines/backends.js";
import type { Snapshots } from "./snapshots/snapshots.js";
import type { Tasks } from "./tasks/tasks.js";
import type { Vms } from "./vms/vms.js";

/** The objects that all operations work on. The daemon makes one set and keeps it until it ends. */
export interface Core {
  readonly home: Home;
  readonly version: string;
  readonly log: Log;
  readonly groups: ControlGroups;
  readonly environments: Environments;
  readonly toolchains: Toolchains;
  readonly isolation: Isolation;
  readonly budget: Budget;
  readonly machines: Machines;
  readonly snapshots: Snapshots;
  readonly vms: Vms;
  readonly tasks: Tasks;
  readonly backends: Backends;
  readonly buildSources: BuildSources;
}

/** Performs an operation: its input is already checked; errors are PyroErrors. */
export type Handler<Name extends OperationName> = (
  core: Core,
  input: InputOf<Name>,
  call: Call,
) => Promise<ResultOf<Name>>;
