import type { Found } from "./transport.js";

/** The pyro of a machine, for a client on another one. */
export interface RelayFacts extends Found {
  /** The form of this object. */
  readonly relay: 1;
  readonly version: string;
  /** The daemon's unix socket. */
  readonly socket: string;
}
