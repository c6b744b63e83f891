import { PyroError } from "../contract/errors.js";
import { parseInput } from "../contract/input.js";
import { takesArchive, type Operation } from "../contract/operation.js";
import type { Call } from "../core/call.js";
import type { Core } from "../core/core.js";
import { resolveReferences } from "../core/references.js";
import { CallerBytes } from "./caller-bytes.js";
import type { Caller } from "./caller.js";
import { Cancellation } from "./cancellation.js";
import type { Handlers } from "./handlers.js";
import type { CallInFlight } from "./lifetime.js";
import { Resizes } from "./resizes.js";

/** The dependencies of an operation. */
export interface Performer {
  readonly core: Core;
  readonly handlers: Handlers;
}

/** Callbacks for the steps of a call. */
export interface Progress {
  readonly mark: Call["mark"];
  /** Called with the input when it has passed its schema. */
  readonly onInput: (input: object) => void;
}

/** Reads an operation's input from its caller, performs it, and returns its result. */
export async function perform(
  performer: Performer,
  operation: Operation,
  flight: CallInFlight,
  { asks, hears }: Caller,
  { mark, onInput }: Progress,
): Promise<unknown> {
  const { signal } = flight;
  const emit: Call["emit"] = (event) => hears.emit(event, signal);
  const input = parseInput(operation.input, await asks.readInput());
  onInput(input);
  mark("request");
  const hasSource = takesArchive(operation) && input["source_path"] !== undefined;
  if (hasSource && asks.readArchive && input["source_framed"] !== true) {
    const call: Call = {
      ...{ signal, stdin: null, upload: asks.readArchive(), emit, mark },
      ...{ isCancelled: () => false, onInterrupt: () => () => {}, onResize: () => () => {} },
    };
    return handle(performer, operation, input, call);
  }
  const source = hasSource ? new CallerBytes((bytes) => hears.grant("source", bytes)) : null;
  signal.addEventListener("abort", () => source?.fail(PyroError.from(signal.reason)), { once: true });
  const stdin =
    operation.body === "session" || operation.body === "content"
      ? new CallerBytes((bytes) => hears.grant("stdin", bytes))
      : null;
  const cancellation = new Cancellation(flight);
  const resizes = new Resizes();
  const follow = asks.follow({
    ...{ stdin, source },
    cancel: (endSignal) => cancellation.request(endSignal),
    resize: (size) => resizes.request(size),
  });
  follow.catch((reason: unknown) => flight.abort(PyroError.from(reason)));
  const call: Call = {
    ...{ signal, stdin, upload: source, emit, mark },
    isCancelled: () => cancellation.isRequested,
    onInterrupt: (listener) => cancellation.onInterrupt(listener),
    onResize: (listener) => resizes.onResize(listener),
  };
  try {
    return await handle(performer, operation, input, call);
  } finally {
    cancellation.close();
    stdin?.discard();
    source?.discard();
  }
}

async function handle(
  { core, handlers }: Performer,
  { name, output }: Operation,
  input: object,
  call: Call,
): Promise<unknown> {
  const handler = handlers[name as keyof Handlers] as (...args: [Core, unknown, Call]) => Promise<unknown>;
  return output.parse(await handler(core, resolveReferences(core, input), call));
}
