import type { ErrorBody } from "../../src/contract/errors.js";
import type { OperationName } from "../../src/contract/operations.js";

/** Input by the names of the wire. `command` is a list of words that each door quotes by itself, or a line where it must be one. */
export type Input = Readonly<Record<string, unknown>>;

export interface Request {
  readonly operation: OperationName;
  readonly input: Input;
  readonly stdin?: string;
  /** Cancel as soon as the command has printed something. */
  readonly cancel?: boolean;
  /** A client finds it in its source before it sends a byte. */
  readonly clientOnly?: boolean;
}

/** The answer, by the names of the wire. */
export type Answer = { readonly result: Record<string, unknown> } | { readonly error: ErrorBody };

/** One door, used as its users use it. */
export interface Runner extends AsyncDisposable {
  readonly name: string;
  /** True when this door offers the call in this form. */
  offers(request: Request): boolean;
  call(request: Request): Promise<Answer>;
}

/** Which home the door asks, and with which environment. */
export interface Place {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  /** The context that `env` names, for the door that runs in this process. */
  readonly context?: string;
}
