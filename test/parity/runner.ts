import type { ErrorBody } from "../../src/contract/errors.js";
import type { OperationName } from "../../src/contract/operations.js";

/** Input by the names of the wire; `command` as the words that each door quotes by itself, or one line where it must be one. */
export type Input = Readonly<Record<string, unknown>>;

export interface Request {
  readonly operation: OperationName;
  readonly input: Input;
  readonly stdin?: string;
  /** Cancel as soon as the command has said something. */
  readonly cancel?: boolean;
  /** Found by a client in its source before it sends a byte. */
  readonly clientOnly?: boolean;
}

/** What came back, by the names of the wire. */
export type Answer = { readonly result: Record<string, unknown> } | { readonly error: ErrorBody };

/** One door, spoken to as its users speak to it. */
export interface Runner extends AsyncDisposable {
  readonly name: string;
  /** True when this door offers what is asked, in this way. */
  offers(request: Request): boolean;
  call(request: Request): Promise<Answer>;
}

/** Which home the door asks, and with which environment. */
export interface Place {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
}
