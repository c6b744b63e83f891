import type { Check } from "../kubernetes/check.js";

/** The findings of `pyro context check`. */
export interface ContextReport {
  readonly context: string;
  readonly url: string | null;
  readonly version: string;
  /** PYRO_HOME there. */
  readonly home: string;
  /** Milliseconds until the daemon answered, with the connection if there was none. */
  readonly connect_ms: number;
  /** Milliseconds of a further call. */
  readonly call_ms: number;
  /** True when VMs can run there. */
  readonly ok: boolean;
  /** One finding for each thing that a context of Kubernetes needs. */
  readonly checks?: readonly Check[];
}
