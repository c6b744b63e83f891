import { readJsonBody, Refusal, sendEmpty, sendJson, type Exchange } from "../answer.js";
import type { Sandboxes } from "../sandboxes.js";
import type { ControlCall } from "./call.js";
import { findSandboxes, listSandboxes } from "./list.js";
import { parseNewSandbox, parseTimeout } from "./new-sandbox.js";
import { replaceNetwork } from "./replace-network.js";
import { renderDetail, renderListed, renderSandbox } from "./shapes.js";
import { createSnapshot, listSnapshots } from "./snapshots.js";
import * as templates from "./templates.js";

type Perform = (call: ControlCall) => Promise<void>;

/** Life times that the server chooses: of version 2 of the interface, and of version 1. */
const DEFAULT_SECONDS = 300;
const FIRST_DEFAULT_SECONDS = 15;
const MAX_FORKS = 100;

/** The routes: method and path, where `:id` and `:last` are one part each. The first that fits is taken. */
const routes: Readonly<Record<string, Perform>> = {
  "POST /v2/sandboxes": (call) => create(call, DEFAULT_SECONDS),
  "POST /sandboxes": (call) => create(call, FIRST_DEFAULT_SECONDS),
  "GET /v2/sandboxes": list,
  "GET /sandboxes": listRunning,
  "GET /sandboxes/metrics": readManyMetrics,
  "GET /sandboxes/:id": async ({ sandboxes, exchange, id }) =>
    sendJson(exchange.response, 200, renderDetail(sandboxes.find(id), sandboxes.domain)),
  "DELETE /sandboxes/:id": async ({ sandboxes, exchange, id }) => {
    await sandboxes.killById(id);
    sendEmpty(exchange.response, 204);
  },
  "POST /v2/sandboxes/:id/connect": connect,
  "POST /sandboxes/:id/connect": connect,
  "POST /sandboxes/:id/resume": resume,
  "POST /sandboxes/:id/timeout": async ({ sandboxes, exchange, id }) => {
    const { timeout } = await readJsonBody(exchange.request);
    sandboxes.setEnd(sandboxes.find(id), Date.now() + parseTimeout(timeout) * 1000);
    sendEmpty(exchange.response, 204);
  },
  "POST /sandboxes/:id/refreshes": refresh,
  "POST /sandboxes/:id/pause": async ({ sandboxes, exchange, id }) => {
    const keepsMemory = readKeepsMemory(await readJsonBody(exchange.request));
    await sandboxes.pause(sandboxes.find(id), keepsMemory);
    sendEmpty(exchange.response, 204);
  },
  "PUT /sandboxes/:id/network": replaceNetwork,
  "POST /sandboxes/:id/snapshots": createSnapshot,
  "POST /sandboxes/:id/fork": fork,
  "GET /sandboxes/:id/metrics": readMetrics,
  "GET /sandboxes/:id/logs": readLogs,
  "GET /v2/sandboxes/:id/logs": readLogs,
  "GET /snapshots": listSnapshots,
  "POST /v3/templates": templates.requestBuild,
  "POST /v2/templates/:id/builds/:last": templates.beginBuild,
  "GET /templates/:id/builds/:last/status": templates.readBuild,
  "GET /templates/:id/files/:last": templates.linkUpload,
  "PUT /templates/:id/files/:last": templates.upload,
  "GET /templates/aliases/:id": templates.findAlias,
  "POST /templates/tags": templates.assignTags,
  "DELETE /templates/tags": templates.removeTags,
  "GET /templates/:id/tags": templates.listTags,
  "DELETE /templates/:id": templates.removeTemplate,
};

/** The parts of a route that this gateway knows and does not support. */
const unsupported = /^\/(?:v\d\/)?(?:templates|volumes|volumecontent|secrets|teams|nodes)(?:\/|$)/;

/** Serves a request whose key was checked. */
export async function serveControl(sandboxes: Sandboxes, exchange: Exchange, key: string): Promise<void> {
  const { request, path } = exchange;
  const parts = path.replace(/\/+$/, "").split("/");
  for (const [route, perform] of Object.entries(routes)) {
    const [method, pattern = ""] = route.split(" ");
    const found = method === request.method ? fit(pattern.split("/"), parts) : null;
    if (found !== null) return perform({ sandboxes, exchange, key, ...found });
  }
  if (unsupported.test(path)) throw new Refusal(501, `${request.method} ${path} is not supported.`);
  throw new Refusal(404, `${request.method} ${path} is no route of this gateway.`);
}

/** The parts that stand for `:id` and `:last`, or empty texts; null when the path does not match the pattern. */
function fit(pattern: readonly string[], parts: readonly string[]): Pick<ControlCall, "id" | "last"> | null {
  if (pattern.length !== parts.length) return null;
  const found = { id: "", last: "" };
  for (const [index, wanted] of pattern.entries()) {
    const part = parts[index] ?? "";
    if ((wanted === ":id" || wanted === ":last") && part !== "") found[wanted.slice(1) as "id"] = decodePart(part);
    else if (wanted !== part) return null;
  }
  return found;
}

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Refusal(400, "The path is not well-formed.");
  }
}

async function create({ sandboxes, exchange }: ControlCall, defaultSeconds: number): Promise<void> {
  const wanted = parseNewSandbox(await readJsonBody(exchange.request), defaultSeconds);
  sendJson(exchange.response, 201, renderSandbox(await sandboxes.create(wanted), sandboxes.domain));
}

async function list({ sandboxes, exchange: { response, query } }: ControlCall): Promise<void> {
  const all = sandboxes.list();
  const { items, next } = listSandboxes(all, query);
  if (next !== null) response.setHeader("x-next-token", next);
  response.setHeader("x-total-running", all.filter(({ state }) => state === "running").length);
  sendJson(response, 200, items.map(renderListed));
}

/** Version 1 of the interface has no pages. */
async function listRunning({ sandboxes, exchange: { response, query } }: ControlCall): Promise<void> {
  const wanted = new URLSearchParams({ state: "running", metadata: query.get("metadata") ?? "" });
  sendJson(response, 200, findSandboxes(sandboxes.list(), wanted).map(renderListed));
}

/** Connects to a sandbox: a paused one is resumed, a running one may only live longer. */
async function connect({ sandboxes, exchange, id }: ControlCall): Promise<void> {
  const body = await readJsonBody(exchange.request);
  const sandbox = sandboxes.find(id);
  const seconds = parseTimeout(body["timeout"] ?? DEFAULT_SECONDS);
  if (await sandboxes.resume(sandbox, seconds, readKeepsMemory(body)))
    return sendJson(exchange.response, 201, renderSandbox(sandbox, sandboxes.domain));
  lengthen(sandboxes, id, seconds);
  sendJson(exchange.response, 200, renderSandbox(sandbox, sandboxes.domain));
}

/** `memory: false` leaves the memory of a sandbox out: it boots from its files. */
function readKeepsMemory({ memory }: Readonly<Record<string, unknown>>): boolean {
  if (memory === undefined || memory === null) return true;
  if (typeof memory === "boolean") return memory;
  throw new Refusal(400, "memory is not a boolean.");
}

async function resume({ sandboxes, exchange, id }: ControlCall): Promise<void> {
  const { timeout, autoPause } = await readJsonBody(exchange.request);
  const sandbox = sandboxes.find(id);
  const isResumed = await sandboxes.resume(sandbox, parseTimeout(timeout ?? FIRST_DEFAULT_SECONDS));
  if (!isResumed) throw new Refusal(409, `Sandbox ${id} is already running.`);
  if (typeof autoPause === "boolean") sandbox.update({ onTimeout: autoPause ? "pause" : "kill" });
  sendJson(exchange.response, 201, renderSandbox(sandbox, sandboxes.domain));
}

async function refresh({ sandboxes, exchange, id }: ControlCall): Promise<void> {
  const { duration } = await readJsonBody(exchange.request);
  lengthen(sandboxes, id, parseTimeout(duration ?? 0));
  sendEmpty(exchange.response, 204);
}

function lengthen(sandboxes: Sandboxes, id: string, seconds: number): void {
  const sandbox = sandboxes.find(id);
  const endMs = Date.now() + seconds * 1000;
  if (endMs > Date.parse(sandbox.record.endAt)) sandboxes.setEnd(sandbox, endMs);
}

async function fork({ sandboxes, exchange, id }: ControlCall): Promise<void> {
  const { timeout, count = 1 } = await readJsonBody(exchange.request);
  const parent = sandboxes.find(id);
  if (typeof count !== "number" || !Number.isInteger(count) || count < 1 || count > MAX_FORKS) {
    throw new Refusal(400, `count is a whole number from 1 to ${MAX_FORKS}.`);
  }
  const forks = await sandboxes.fork(parent, count, parseTimeout(timeout ?? DEFAULT_SECONDS));
  sendJson(
    exchange.response,
    201,
    forks.map((sandbox) => ({ sandbox: renderSandbox(sandbox, sandboxes.domain) })),
  );
}

async function readMetrics({ sandboxes, exchange, id }: ControlCall): Promise<void> {
  const { query, response } = exchange;
  const sandbox = sandboxes.find(id);
  const seconds = (name: string, usual: number) => (query.has(name) ? Number(query.get(name)) : usual);
  const [start, end] = [seconds("start", 0), seconds("end", Infinity)];
  if (Number.isNaN(start) || Number.isNaN(end) || start > end)
    throw new Refusal(400, "start and end are Unix seconds, in this order.");
  await sandbox.settled();
  const isRunning = sandbox.record.state === "running";
  sendJson(response, 200, isRunning ? await sandbox.metrics.read(start * 1000, end * 1000) : []);
}

async function readManyMetrics({ sandboxes, exchange: { query, response } }: ControlCall): Promise<void> {
  const ids = (query.get("sandbox_ids") ?? "").split(",").filter((id) => id !== "");
  await Promise.all(sandboxes.list().map((sandbox) => sandbox.settled()));
  const running = sandboxes.list().filter(({ id, record }) => ids.includes(id) && record.state === "running");
  const last = async (sandbox: (typeof running)[number]) => [
    sandbox.id,
    (await sandbox.metrics.read(0, Infinity)).at(-1),
  ];
  sendJson(response, 200, { sandboxes: Object.fromEntries(await Promise.all(running.map(last))) });
}

/** pyro keeps the output of commands with their task (`pyro task logs`); a sandbox has no log of its own. */
async function readLogs({ sandboxes, exchange, id }: ControlCall): Promise<void> {
  sandboxes.find(id);
  sendJson(exchange.response, 200, { logs: [], logEntries: [] });
}
