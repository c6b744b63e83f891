import { PyroError } from "../contract/errors.js";
import { parseInput } from "../contract/input.js";
import { takesArchive, type Operation } from "../contract/operation.js";
import { readOpenApi } from "../contract/rendered.js";
import { operations, type OperationName } from "../contract/operations.js";
import { openApiRoute, routeOf, versionHeader } from "../contract/wire.js";
import type { Call, Core } from "../core/core.js";
import { resolveReferences } from "../core/references.js";
import type { IncomingMessage, ServerResponse } from "../host/http.js";
import { Answer } from "./answer.js";
import { Body } from "./body.js";
import { CallerBytes } from "./caller-bytes.js";
import { Cancellation } from "./cancellation.js";
import type { Handlers } from "./handlers.js";
import type { CallInFlight, Lifetime } from "./lifetime.js";

/** What it takes to answer requests. */
export interface Daemon {
  readonly core: Core;
  readonly lifetime: Lifetime;
  readonly handlers: Handlers;
}

const routes = new Map<string, Operation>(
  Object.entries(operations).map(([name, operation]) => [routeOf(name as OperationName), operation]),
);

/** Answers one request, whatever becomes of it. Never rejects. */
export async function serveRequest(daemon: Daemon, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === "GET" && request.url === openApiRoute) return serveOpenApi(request, response);
  const startedMs = performance.now();
  const operation = request.method === "POST" ? routes.get(request.url ?? "") : undefined;
  const answer = new Answer(response, operation?.streams ?? false);
  let flight: CallInFlight | undefined;
  let error: PyroError | undefined;
  try {
    if (!operation) throw unknownRoute(request);
    assertVersion(daemon, operation, request);
    flight = daemon.lifetime.begin();
    abortWhenGone(flight, response);
    await answer.sendResult(await perform(daemon, operation, flight, request, answer));
  } catch (thrown) {
    error = asCallError(thrown, flight);
    await answer.sendError(error);
  } finally {
    flight?.finish();
    request.resume();
  }
  const ms = Math.round(performance.now() - startedMs);
  logCall(daemon.core, operation?.name ?? `${request.method} ${request.url}`, ms, error);
}

function serveOpenApi(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(200, { "content-type": "application/json" }).end(readOpenApi());
}

async function perform(
  { core, handlers }: Daemon,
  operation: Operation,
  flight: CallInFlight,
  request: IncomingMessage,
  answer: Answer,
): Promise<unknown> {
  const { signal } = flight;
  const emit: Call["emit"] = (event) => answer.emit(event, signal);
  const body = new Body(request);
  const input = parseInput(operation.input, await body.readInput());
  const hasSource = takesArchive(operation) && input["source_path"] !== undefined;
  if (hasSource && input["source_framed"] !== true) {
    const call: Call = {
      ...{ signal, stdin: null, upload: body.readArchive(), emit },
      ...{ isCancelled: () => false, onInterrupt: () => () => {} },
    };
    return operation.output.parse(await handle(handlers, core, operation, input, call));
  }
  const source = hasSource ? new CallerBytes() : null;
  const grant = (bytes: number) => void answer.emit({ event: "stdin_credit", bytes }, signal);
  const stdin = operation.body === "session" ? new CallerBytes(grant) : null;
  const cancellation = new Cancellation(flight);
  const follow = body.follow({ stdin, source, cancel: (endSignal) => cancellation.request(endSignal) });
  follow.catch((reason: unknown) => flight.abort(PyroError.from(reason)));
  const call: Call = {
    ...{ signal, stdin, upload: source, emit },
    isCancelled: () => cancellation.isRequested,
    onInterrupt: (listener) => cancellation.onInterrupt(listener),
  };
  try {
    return operation.output.parse(await handle(handlers, core, operation, input, call));
  } finally {
    cancellation.close();
    stdin?.discard();
    source?.discard();
  }
}

async function handle(
  handlers: Handlers,
  core: Core,
  { name }: Operation,
  input: object,
  call: Call,
): Promise<unknown> {
  const handler = handlers[name as OperationName] as (...args: [Core, unknown, Call]) => Promise<unknown>;
  return handler(core, resolveReferences(core, input), call);
}

function abortWhenGone(flight: CallInFlight, response: ServerResponse): void {
  response.once("close", () => {
    if (!response.writableFinished) flight.abort(new PyroError("ABORTED", "The caller is gone."));
  });
}

function unknownRoute(request: IncomingMessage): PyroError {
  return new PyroError("NOT_FOUND", `There is no ${request.method} ${request.url}.`, {
    hint: "Operations are POST /v1/<name>, with a slash for each dot of the name.",
    details: { routes: [...routes.keys()] },
  });
}

/** A client of another version is refused. When nothing is going on, the daemon makes way for a newer or older one. */
function assertVersion({ core, lifetime }: Daemon, operation: Operation, request: IncomingMessage): void {
  const theirs = request.headers[versionHeader];
  if (theirs === undefined || theirs === core.version || operation.name.startsWith("daemon.")) return;
  const restarting = lifetime.isIdle();
  if (restarting) lifetime.end(`a client of version ${theirs} asked`);
  throw new PyroError("DAEMON_VERSION", `This pyro is version ${theirs}; the daemon that runs is ${core.version}.`, {
    details: { client_version: theirs, daemon_version: core.version, restarting },
  });
}

function asCallError(thrown: unknown, flight: CallInFlight | undefined): PyroError {
  const isAbort = thrown instanceof Error && thrown.name === "AbortError";
  return PyroError.from(isAbort && flight?.signal.aborted ? flight.signal.reason : thrown);
}

function logCall({ log }: Core, operation: string, ms: number, error: PyroError | undefined): void {
  if (!error) log.info({ operation, ms }, "call");
  else if (error.code === "INTERNAL") log.error({ operation, ms, code: error.code, err: error.cause ?? error }, "call");
  else log.info({ operation, ms, code: error.code, reason: error.message }, "call");
}
