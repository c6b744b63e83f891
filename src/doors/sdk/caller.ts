import type { CallOptions, SessionOptions } from "./call-options.js";
import type { Execution } from "./execution.js";

/** The calls that the rendered methods use. Field names are in the SDK's spelling. */
export interface Caller {
  /** Calls an operation. `options` of a streaming operation holds the rest of its input, beside the options of the call. */
  request<Result>(operation: string, input: object, options?: CallOptions): Promise<Result>;
  /** Runs a command. `options` holds the rest of the input, `command` included. */
  execute<Result>(operation: string, input: object, options: SessionOptions): Execution<Result>;
}
