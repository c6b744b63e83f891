import type { Machine } from "../../backend/backend.js";
import type { Share } from "./budget.js";

/** A spare serves requests of the same key. */
export interface SpareKind {
  readonly key: string;
  readonly environment: string;
  readonly vcpuCount: number;
  readonly memMib: number;
  readonly network: boolean;
  /** The most memory and disk that one spare may use. */
  readonly share: Share;
}

/** A machine with the hold on its environment. */
export interface ReadyMachine {
  readonly machine: Machine;
  readonly release: () => void;
}

/** Makes a machine at a low priority, until `urgent` is aborted. Throws the reason of `signal` when that is aborted. */
export type Make = (urgent: AbortSignal, signal: AbortSignal) => Promise<ReadyMachine>;

export interface SpareCount extends SpareKind {
  readonly ready: number;
  readonly warming: number;
}
