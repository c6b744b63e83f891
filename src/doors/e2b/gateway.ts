import { openResponse, serveLoopback, type LoopbackServer } from "../../host/http-server.js";
import type { IncomingMessage, ServerResponse } from "../../host/http.js";
import type { Socket } from "../../host/socket.js";
import { discardRest, Refusal, sendEmpty, sendFailure, type Exchange } from "./answer.js";
import { serveControl } from "./control/routes.js";
import { signUpload } from "./control/templates.js";
import { isEnvdPath, serveEnvd, serveLink } from "./envd.js";
import { assertLocal, assertNoPage, hostNameOf, isSameSecret } from "./guard.js";
import { INTERPRETER_PORT, serveInterpreter } from "./interpreter/routes.js";
import type { Sandboxes } from "./sandboxes.js";
import type { Authority } from "./tls/authority.js";
import { ENVD_PORT } from "./version.js";

/** The settings of a gateway. */
export interface GatewayOptions {
  readonly sandboxes: Sandboxes;
  /** Read for each request, so that a replaced key counts at once. */
  readonly readKey: () => Promise<string>;
  /** 0 takes a free port. */
  readonly port: number;
  /** Signs the certificates for clients that connect over TLS. */
  readonly authority: Authority;
  /** Called with failures that are the gateway's own. */
  readonly log: (message: string) => void;
}

/** Listens on loopback until it is closed. */
export async function openGateway({
  sandboxes,
  readKey,
  port,
  authority,
  log,
}: GatewayOptions): Promise<LoopbackServer> {
  const report = (request: IncomingMessage, error: unknown) => {
    if (!(error instanceof Refusal)) log(`${request.method} ${request.url}: ${String(error)}`);
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse) => {
    response.on("error", () => {});
    response.once("finish", () => discardRest(request));
    serve(sandboxes, readKey, request, response).catch((error: unknown) => {
      if (!response.destroyed) report(request, error);
      sendFailure(response, error);
    });
  };
  const onUpgrade = (request: IncomingMessage, socket: Socket, head: Buffer) => {
    join(sandboxes, request, socket, head).catch((error: unknown) => {
      report(request, error);
      sendFailure(openResponse(request, socket), error);
    });
  };
  const secureContextFor = (name: string) => authority.contextFor(name);
  const certified = authority.certify(null);
  const server = await serveLoopback(port, { onRequest, onUpgrade, certified, secureContextFor });
  sandboxes.domain = `localhost:${server.port}`;
  return server;
}

async function serve(
  sandboxes: Sandboxes,
  readKey: GatewayOptions["readKey"],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  assertLocal(request);
  const url = parseUrl(request.url ?? "");
  const exchange: Exchange = { request, response, path: url.pathname, query: url.searchParams };
  const target = readTarget(request);
  if (target !== null) return serveTarget(sandboxes, exchange, target);
  assertNoPage(request);
  if (exchange.path === "/files" && exchange.query.has("signature")) return serveLink(sandboxes, exchange);
  if (isEnvdPath(exchange.path) && exchange.path !== "/health") {
    throw new Refusal(400, "A request to a sandbox needs the headers E2b-Sandbox-Id and E2b-Sandbox-Port.");
  }
  if (exchange.path === "/health") return sendEmpty(response, 204);
  const key = await readKey();
  const isUpload =
    request.method === "PUT" && isSameSecret(exchange.query.get("signature"), signUpload(url.pathname, key));
  if (!isUpload && !isSameSecret(request.headers["x-api-key"], key)) {
    throw new Refusal(401, "The API key is missing or wrong.");
  }
  return serveControl(sandboxes, exchange, key);
}

async function serveTarget(sandboxes: Sandboxes, exchange: Exchange, { id, port }: Target): Promise<void> {
  const isOurs = port === ENVD_PORT || port === INTERPRETER_PORT;
  // A server in the sandbox may have pages of its own.
  if (isOurs) assertNoPage(exchange.request);
  const sandbox = await sandboxes.reach(id);
  if (port === ENVD_PORT) return serveEnvd(sandbox, exchange);
  if (port === INTERPRETER_PORT) return serveInterpreter(sandbox, exchange);
  sandbox.keepStream(exchange.response);
  return sandbox.ports.forward(exchange, port);
}

async function join(sandboxes: Sandboxes, request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
  socket.on("error", () => {});
  assertLocal(request);
  const target = readTarget(request);
  if (target === null || target.port === ENVD_PORT || target.port === INTERPRETER_PORT) {
    throw new Refusal(400, "Only connections to servers in a sandbox can be upgraded.");
  }
  const sandbox = await sandboxes.reach(target.id);
  await sandbox.ports.join(request, socket, head, target.port);
}

interface Target {
  readonly id: string;
  readonly port: number;
}

/**
 * The sandbox and port that the headers name, or else the host: `3000-ID.localhost`. Null without either. Throws 400 when one of the two
 * headers is missing or invalid.
 */
function readTarget(request: IncomingMessage): Target | null {
  const { headers } = request;
  const [id, port] = [headers["e2b-sandbox-id"], headers["e2b-sandbox-port"]];
  if (id === undefined && port === undefined) {
    const found = /^(\d{1,5})-([a-z0-9]{1,40})\.localhost$/.exec(hostNameOf(request));
    return found ? { id: found[2] ?? "", port: Number(found[1]) } : null;
  }
  if (typeof id !== "string" || typeof port !== "string") {
    throw new Refusal(400, "E2b-Sandbox-Id and E2b-Sandbox-Port belong together.");
  }
  if (!/^[a-z0-9]{1,40}$/.test(id)) throw new Refusal(400, "E2b-Sandbox-Id is not the id of a sandbox.");
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw new Refusal(400, "E2b-Sandbox-Port is not a port.");
  }
  return { id, port: Number(port) };
}

function parseUrl(text: string): URL {
  const url = text.startsWith("/") && URL.canParse(`http://gateway${text}`) ? new URL(`http://gateway${text}`) : null;
  if (!url) throw new Refusal(400, "The request's target is not a path.");
  return url;
}
