import { readJsonBody, Refusal, sendEmpty, sendJson, type Exchange } from "../answer.js";
import { isSameSecret, trafficTokenOf } from "../guard.js";
import { GuestError, type GuestLine } from "../line-program.js";
import type { Sandbox } from "../sandbox.js";

/** The port on which E2B's code interpreter listens in a sandbox. */
export const INTERPRETER_PORT = 49_999;
/** The most bytes of events that wait for a client. */
const MAX_WAITING_BYTES = 67_108_864;

/** Serves a request to the code interpreter of a sandbox. Failures are plain text, as SDKs expect. */
export async function serveInterpreter(sandbox: Sandbox, exchange: Exchange): Promise<void> {
  const { request, response, path } = exchange;
  const { token } = sandbox.record;
  const { "x-access-token": own, "e2b-traffic-access-token": traffic } = request.headers;
  // SDKs send both for code, and the second one alone for contexts.
  const isOpen = isSameSecret(own, token) || (own === undefined && isSameSecret(traffic, trafficTokenOf(token)));
  if (!isOpen) throw new Refusal(401, "unauthorized");
  sandbox.keepStream(response);
  try {
    await perform(sandbox, exchange, `${request.method} ${path.replace(/[0-9a-f]{32}/, ":id")}`);
  } catch (error) {
    const refusal = error instanceof GuestError ? refusalOf(error, sandbox.id) : error;
    if (!(refusal instanceof Refusal) || response.headersSent || refusal.fields["port"] !== undefined) throw refusal;
    response.writeHead(refusal.status, { "content-type": "text/plain; charset=utf-8" }).end(refusal.message);
  }
}

async function perform({ interpreter }: Sandbox, exchange: Exchange, route: string): Promise<void> {
  const { request, response, path } = exchange;
  const context = path.split("/")[2] ?? "";
  switch (route) {
    case "GET /health":
      return sendJson(response, 200, "OK");
    case "POST /execute":
      return execute(interpreter, exchange);
    case "GET /contexts":
      return sendJson(response, 200, (await interpreter.ask("list")).map(contextOf));
    case "POST /contexts": {
      const { language, cwd } = await readJsonBody(request);
      const [line] = await interpreter.ask("create", { language: textOf(language), cwd: textOf(cwd) });
      return sendJson(response, 200, contextOf(line));
    }
    case "DELETE /contexts/:id":
      await interpreter.ask("remove", { context });
      return sendEmpty(response, 204);
    case "POST /contexts/:id/restart":
      await interpreter.ask("restart", { context });
      return sendEmpty(response, 204);
  }
  throw new Refusal(404, `${request.method} ${path} is no route of the code interpreter.`);
}

/** Runs code; its events are lines of JSON, as they come. A client that leaves interrupts it. */
async function execute(interpreter: Sandbox["interpreter"], { request, response }: Exchange): Promise<void> {
  const { code, context_id, language, env_vars } = await readJsonBody(request);
  if (typeof code !== "string") throw new Refusal(400, "code is not a string.");
  const [context, named] = [textOf(context_id), textOf(language)];
  if (context !== null && named !== null) {
    throw new Refusal(400, "Only one of context_id or language can be provided");
  }
  const send = (line: GuestLine) => {
    if (response.destroyed) return;
    // The client does not read; cutting it off interrupts the code.
    if (response.writableLength > MAX_WAITING_BYTES) return void response.destroy();
    if (!response.headersSent) response.writeHead(200, { "content-type": "application/x-ndjson" });
    response.write(`${JSON.stringify(line["event"])}\n`);
  };
  const { id, done } = await interpreter.begin(
    "execute",
    { code, context, language: named, env: envOf(env_vars) },
    send,
  );
  let isDone = false;
  response.once("close", () => {
    if (!isDone) interpreter.ask("interrupt", { target: id }).catch(() => {});
  });
  await done.finally(() => (isDone = true));
  response.end();
}

function textOf(value: unknown): string | null {
  if (value === undefined || value === null || value === "") return null;
  if (typeof value === "string") return value;
  throw new Refusal(400, "A field is not a string.");
}

function envOf(value: unknown): Readonly<Record<string, string>> {
  const given = value ?? {};
  const isFit = typeof given === "object" && Object.values(given).every((item) => typeof item === "string");
  if (!isFit) throw new Refusal(400, "env_vars is not an object of strings.");
  return given as Record<string, string>;
}

function contextOf(line: GuestLine | undefined): unknown {
  return line?.["context"];
}

function refusalOf({ code, message }: GuestError, sandboxId: string): Refusal {
  if (code === "ENOENT") return new Refusal(404, message);
  if (code === "EINVAL") return new Refusal(400, message);
  if (code === "EBUSY") return new Refusal(429, message);
  const port = INTERPRETER_PORT;
  return new Refusal(502, "The sandbox is running but port is not open", { sandboxId, port });
}
