import { PyroError } from "../../contract/errors.js";
import type { OperationName } from "../../contract/operations.js";
import { readContract } from "../../contract/rendered.js";
import { routeOf } from "../../contract/wire.js";
import { removeFileSync } from "../../host/files.js";
import { serveUnix } from "../../host/http-server.js";
import type { IncomingMessage, Server, ServerResponse } from "../../host/http.js";
import type { Socket } from "../../host/socket.js";
import { BridgeCall } from "./call.js";
import { ClusterWay } from "./cluster-way.js";
import type { BridgePlace } from "./place.js";
import { describeBridge } from "./status.js";

/** How long a bridge stays without a call. */
const IDLE_MS = 3_600_000;

/** Serves the calls of a context's clients. `end` is called when the bridge was stopped, or has had no call for an hour. */
export async function serveBridge(place: BridgePlace, end: () => void): Promise<Server> {
  const way = new ClusterWay(place.context, place.env);
  const routes = new Map(readContract().operations.map((each) => [routeOf(each.name as OperationName), each.name]));
  const startedAt = new Date();
  const calls = new Set<BridgeCall>();
  let idle: NodeJS.Timeout | undefined;
  const watchIdle = () => {
    clearTimeout(idle);
    if (calls.size === 0) idle = setTimeout(() => (way.isUsed ? watchIdle() : end()), IDLE_MS).unref();
  };
  const perform = async (call: BridgeCall, route: string) => {
    const name = routes.get(route) as OperationName | undefined;
    if (name === undefined) throw new PyroError("NOT_FOUND", `No operation has the route POST ${route}.`);
    if (name === "daemon.status") return call.answer(describeBridge(place, startedAt));
    if (name === "daemon.stop") {
      removeFileSync(place.socket);
      call.answer({ pid: process.pid, stopped: true, saved: [], unsaved: [] });
      return void call.whenClosed().then(end);
    }
    const bridge = await way.open();
    await bridge.perform(name, call);
  };
  const onUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer) => {
    const call = new BridgeCall(request, socket, head);
    calls.add(call);
    watchIdle();
    const performed = perform(call, request.url ?? "").catch((error: unknown) => {
      if (error instanceof PyroError && error.code === "REMOTE_DENIED") way.forget();
      call.refuse(call.signal.aborted ? call.signal.reason : error);
    });
    void performed.finally(() => {
      calls.delete(call);
      watchIdle();
    });
  };
  removeFileSync(place.socket);
  const server = await serveUnix(place.socket, refusePlain, onUpgrade);
  watchIdle();
  return server;
}

/** Clients ask for an upgrade; another request gets an explanation. */
function refusePlain(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  const error = new PyroError("FAILED_PRECONDITION", "The bridge to a cluster takes streams only (docs/stream.md).");
  response.writeHead(409, { "content-type": "application/json" }).end(`${JSON.stringify({ error: error.toBody() })}\n`);
}
