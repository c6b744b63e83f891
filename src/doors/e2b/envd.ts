import { sendEmpty, sendJson, Refusal, type Exchange } from "./answer.js";
import { ConnectError, sendConnectError } from "./connect.js";
import { downloadFile } from "./files/download.js";
import { fileMethods } from "./files/rpc.js";
import { isExpired, isSignedWith, readLink } from "./files/signature.js";
import { uploadFiles } from "./files/upload.js";
import { isSameSecret } from "./guard.js";
import { processMethods } from "./process/rpc.js";
import { connectErrorOf } from "./process/table.js";
import type { Sandboxes } from "./sandboxes.js";
import type { Sandbox } from "./sandbox.js";
import { DEFAULT_USER } from "./version.js";

const paths = /^\/(?:process\.Process|filesystem\.Filesystem)\/|^\/(?:files(?:\/compose)?|health|metrics|envs|init)$/;

/** True for a path of the sandbox's side, which no control route has. */
export function isEnvdPath(path: string): boolean {
  return paths.test(path);
}

/** Serves a request to a sandbox that its headers name. */
export async function serveEnvd(sandbox: Sandbox, exchange: Exchange): Promise<void> {
  const { request, response, path, query } = exchange;
  if (path === "/health") return sendEmpty(response, 204);
  const link = path === "/files" ? readLink(query, request.method) : null;
  if (link !== null) {
    if (!isSignedWith(link, sandbox.record.token)) throw new Refusal(401, "invalid signature");
    if (isExpired(link, Date.now())) throw new Refusal(401, "signature is already expired");
    return serveFiles(sandbox, exchange, link.username || defaultUserOf(sandbox));
  }
  if (!isSameSecret(request.headers["x-access-token"], sandbox.record.token)) {
    throw new Refusal(401, "unauthorized access, please provide a valid access token");
  }
  if (path === "/files") {
    return serveFiles(sandbox, exchange, query.get("username") || userOf(exchange, sandbox));
  }
  if (path === "/metrics" && request.method === "GET") return sendMetrics(sandbox, exchange);
  if (path === "/envs" && request.method === "GET") return sendJson(response, 200, sandbox.record.envVars);
  if (path.startsWith("/process.Process/") || path.startsWith("/filesystem.Filesystem/")) {
    return serveMethod(sandbox, exchange);
  }
  throw new Refusal(501, `${request.method} ${path} is not supported.`);
}

/** Serves a link to a file: the sandbox is the one whose token signed it. */
export async function serveLink(sandboxes: Sandboxes, exchange: Exchange): Promise<void> {
  const link = readLink(exchange.query, exchange.request.method);
  const sandbox = link === null ? null : sandboxes.list().find(({ record }) => isSignedWith(link, record.token));
  if (!link || !sandbox) throw new Refusal(401, "missing or invalid signature");
  if (isExpired(link, Date.now())) throw new Refusal(401, "signature is already expired");
  await sandboxes.wake(sandbox);
  return serveFiles(sandbox, exchange, link.username || defaultUserOf(sandbox));
}

async function serveFiles(sandbox: Sandbox, exchange: Exchange, user: string): Promise<void> {
  const call = { exchange, sandbox, pyro: sandbox.pyro, user };
  const { method } = exchange.request;
  sandbox.keepStream(exchange.response);
  if (method === "GET") return downloadFile(call);
  if (method === "POST") return uploadFiles(call);
  throw new Refusal(405, `${method} is not a method of /files.`);
}

async function serveMethod(sandbox: Sandbox, exchange: Exchange): Promise<void> {
  const { request, response, path } = exchange;
  const [, service, method = ""] = path.split("/");
  const methods = service === "process.Process" ? processMethods : fileMethods;
  try {
    if (request.method !== "POST") throw new Refusal(405, "Methods are called by POST.");
    const perform = Object.hasOwn(methods, method) ? methods[method] : undefined;
    if (!perform) throw new ConnectError("unimplemented", `${path} is not supported`);
    const reply = await perform({ exchange, sandbox, user: userOf(exchange, sandbox) });
    if (reply !== undefined) sendJson(response, 200, reply);
  } catch (error) {
    if (error instanceof Refusal || response.headersSent) throw error;
    sendConnectError(response, connectErrorOf(error));
  }
}

/** The user that the request names, without a password; else the default. Throws 401. */
function userOf({ request }: Exchange, sandbox: Sandbox): string {
  const { authorization } = request.headers;
  if (authorization === undefined) return defaultUserOf(sandbox);
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(authorization)?.[1] ?? "";
  const user = Buffer.from(encoded, "base64").toString("utf8").split(":")[0] ?? "";
  // A text that a shell or /etc/passwd could misread is not the name of a user.
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}$/.test(user)) return user;
  throw new Refusal(401, `invalid username: '${user}'`);
}

function defaultUserOf({ record }: Sandbox): string {
  return record.user ?? DEFAULT_USER;
}

async function sendMetrics(sandbox: Sandbox, { response }: Exchange): Promise<void> {
  const metric = (await sandbox.metrics.read(0, Infinity)).at(-1);
  if (!metric) throw new Refusal(500, "The guest did not answer.");
  const mib = (bytes: number) => Math.round(bytes / 1_048_576);
  const { timestampUnix: ts, cpuCount, cpuUsedPct, memTotal, memUsed, memCache, diskUsed, diskTotal } = metric;
  sendJson(response, 200, {
    ts,
    cpu_count: cpuCount,
    cpu_used_pct: cpuUsedPct,
    mem_total: memTotal,
    mem_total_mib: mib(memTotal),
    mem_used: memUsed,
    mem_used_mib: mib(memUsed),
    mem_cache: memCache,
    disk_used: diskUsed,
    disk_total: diskTotal,
  });
}
