import type { FoundMachine, Machine } from "../../backend/backend.js";
import type { Machines } from "./machines.js";

/** Machines that outlive the daemon, as tasks and VMs use them. */
export type LastingMachines = Pick<
  Machines,
  | "acquire"
  | "acquireFrom"
  | "adopt"
  | "assertIsolation"
  | "checkSnapshot"
  | "countRoom"
  | "destroy"
  | "endLost"
  | "hold"
  | "identify"
  | "keepDisk"
  | "offer"
  | "openDisk"
  | "readSnapshot"
  | "sweep"
>;

/** Gives a machine that answers the form of one that was adopted. */
export function asFound(machine: Machine): FoundMachine {
  return { ...machine, ready: Promise.resolve(machine) };
}
