import type { Check } from "../kubernetes/check.js";

/** What `pyro context check` has found. */
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
  /** What a context of Kubernetes needs, one by one. */
  readonly checks?: readonly Check[];
}
