import { PyroError } from "../contract/errors.js";
import type { Operation } from "../contract/operation.js";
import { operations, type OperationName } from "../contract/operations.js";
import { buildOpenApi } from "../contract/openapi.js";
import { openApiRoute, routeOf, streamProtocol, traceHeader, versionHeader } from "../contract/wire.js";
import type { Core } from "../core/core.js";
import { openResponse } from "../host/http-server.js";
import type { IncomingMessage, ServerResponse } from "../host/http.js";
import type { Socket } from "../host/socket.js";
import { Stopwatch } from "../host/stopwatch.js";
import { Answer } from "./answer.js";
import type { Audit } from "./audit.js";
import { Body } from "./body.js";
import type { Caller, CallerHears } from "./caller.js";
import type { CallInFlight, Lifetime } from "./lifetime.js";
import { perform, type Performer } from "./perform.js";
import { StreamCaller } from "./stream-caller.js";

/** The dependencies of the server. */
export interface Daemon extends Performer {
  readonly lifetime: Lifetime;
  readonly audit: Audit;
}

const routes = new Map<string, Operation>(
  Object.entries<Operation>(operations)
    .filter(([, { isLocal }]) => isLocal !== true)
    .map(([name, operation]) => [routeOf(name as OperationName), operation]),
);

/** Answers one request, also when it fails. Never rejects. */
export async function serveRequest(daemon: Daemon, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === "GET" && request.url === openApiRoute) return serveOpenApi(request, response);
  const answer = new Answer(response, findOperation(request)?.streams ?? false);
  await serve(daemon, request, answer, (flight) => {
    abortWhenGone(flight, response);
    return { asks: new Body(request), hears: answer };
  });
  request.resume();
}

/** The same for a request to upgrade its connection to a stream. A refusal is plain HTTP. */
export async function serveUpgrade(
  daemon: Daemon,
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<void> {
  await serve(daemon, request, new Answer(openResponse(request, socket), false), () => {
    assertProtocol(request);
    const caller = new StreamCaller(socket, head);
    return { asks: caller, hears: caller };
  });
}

async function serve(
  daemon: Daemon,
  request: IncomingMessage,
  refusal: CallerHears,
  accept: (flight: CallInFlight) => Caller,
): Promise<void> {
  const startedMs = performance.now();
  const operation = findOperation(request);
  const audited = daemon.audit.call(request, operation?.name ?? "unknown");
  let hears = refusal;
  let flight: CallInFlight | undefined;
  let error: PyroError | undefined;
  try {
    if (!operation) throw unknownRoute(request);
    assertVersion(daemon, operation, request);
    flight = daemon.lifetime.begin();
    const caller = accept(flight);
    hears = caller.hears;
    const watch = new Stopwatch(startedMs);
    const progress = {
      mark: (stage: string) => watch.mark(stage),
      onInput: (input: object) => audited.begin(input),
    };
    const result = await perform(daemon, operation, flight, caller, progress);
    audited.succeed(result);
    if (request.headers[traceHeader] === "1") {
      watch.mark("answer");
      await hears.emit({ event: "trace", stages: watch.stages }, flight.signal);
    }
    await hears.sendResult(result);
  } catch (thrown) {
    error = asCallError(thrown, flight);
    audited.fail(error);
    await hears.sendError(error);
  } finally {
    flight?.finish();
  }
  const ms = Math.round(performance.now() - startedMs);
  logCall(daemon.core, operation?.name ?? `${request.method} ${request.url}`, ms, error);
}

function findOperation({ method, url }: IncomingMessage): Operation | undefined {
  return method === "POST" ? routes.get(url ?? "") : undefined;
}

function assertProtocol({ headers }: IncomingMessage): void {
  if (headers.upgrade === streamProtocol) return;
  throw new PyroError("INVALID_ARGUMENT", `The daemon cannot upgrade a connection to ${headers.upgrade}.`, {
    hint: `Ask for ${streamProtocol} (docs/stream.md), or send a plain request (docs/http.md).`,
    details: { protocols: [streamProtocol] },
  });
}

function serveOpenApi(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(200, { "content-type": "application/json" }).end(`${JSON.stringify(buildOpenApi())}\n`);
}

function abortWhenGone(flight: CallInFlight, response: ServerResponse): void {
  response.once("close", () => {
    if (!response.writableFinished) flight.abort(new PyroError("ABORTED", "The caller disconnected."));
  });
}

function unknownRoute(request: IncomingMessage): PyroError {
  return new PyroError("NOT_FOUND", `No operation has the route ${request.method} ${request.url}.`, {
    hint: "Operations are POST /v1/<name>, with a slash for each dot of the name.",
    details: { routes: [...routes.keys()] },
  });
}

/** Refuses a client of another version. An idle daemon then ends, so that the client can start its own. */
function assertVersion({ core, lifetime }: Daemon, operation: Operation, request: IncomingMessage): void {
  const theirs = request.headers[versionHeader];
  if (theirs === undefined || theirs === core.version || operation.name.startsWith("daemon.")) return;
  const restarting = lifetime.isIdle();
  if (restarting) lifetime.end(`a client of version ${theirs} asked`);
  throw new PyroError(
    "DAEMON_VERSION",
    `This pyro is version ${theirs}; the running daemon is version ${core.version}.`,
    {
      details: { client_version: theirs, daemon_version: core.version, restarting },
    },
  );
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
