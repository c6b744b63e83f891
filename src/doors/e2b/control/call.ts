import type { Exchange } from "../answer.js";
import type { Sandboxes } from "../sandboxes.js";

/** A request of the control API. `id` is the sandbox or template in its path, `last` the second variable part. */
export interface ControlCall {
  readonly sandboxes: Sandboxes;
  readonly exchange: Exchange;
  readonly id: string;
  readonly last: string;
  /** The key of the control API. */
  readonly key: string;
}
