import type { Machine, MachineHandle } from "../../backend/backend.js";
import type { Snapshot } from "../snapshots/snapshots.js";
import type { NewMachineFacts } from "./new-machines.js";

/** The facts in a record about a machine that an earlier daemon started. */
export interface LostMachine {
  readonly id: string;
  /** The name of the backend that made it. */
  readonly backend: string;
  readonly handle: MachineHandle;
  readonly environmentDigest: string;
}

/** A machine of a caller, and its origin. */
export interface AcquiredMachine extends NewMachineFacts {
  readonly machine: Machine;
  /** The snapshot whose processes it continues; null when it has booted. */
  readonly snapshot: Snapshot | null;
}
