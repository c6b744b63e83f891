import { PyroError, type ErrorBody } from "../contract/errors.js";
import type { AnswerLine, EndSignal } from "../contract/wire.js";
import { openPost, type ClientRequest, type IncomingMessage } from "../host/http.js";
import { readLines } from "../host/lines.js";
import type { CallEvent } from "./event.js";
import { Upload } from "./upload.js";

export interface ExchangeOptions {
  readonly socketPath: string;
  readonly route: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly input: unknown;
  /** Null when the operation takes none, or there is none. */
  readonly stdin: AsyncIterable<Uint8Array> | null;
  readonly takesStdin: boolean;
  /** The archive behind the input; null when there is none. */
  readonly source: AsyncIterable<Uint8Array> | null;
  readonly signal: AbortSignal | undefined;
  readonly killSignal: AbortSignal | undefined;
  readonly endSignal: (() => EndSignal) | undefined;
  readonly onEvent: ((event: CallEvent) => void | Promise<void>) | undefined;
}

/** One request and its answer. Throws the daemon's error, or what the socket says when nobody answers. */
export async function exchange(options: ExchangeOptions): Promise<unknown> {
  const request = openPost(options.socketPath, options.route, options.headers);
  const upload = new Upload(request);
  let failure: Error | null = null;
  /** Leaves the body without an end: that is how the daemon knows that nothing may be kept of a source. */
  const fail = (error: unknown) => {
    failure ??= PyroError.from(error);
    request.destroy(failure);
  };
  // Behind a source that is under way a wish to cancel would wait for the guest: the connection ends instead.
  const cancel = () => {
    if (upload.isSendingSource) fail(new PyroError("ABORTED", "It was cancelled."));
    else upload.cancel(options.endSignal?.() ?? "INT");
  };
  const send = async () => {
    if (options.source !== null) await upload.sendSource(options.source).catch(fail);
    if (options.takesStdin) await upload.sendStdin(options.stdin).catch(cancel);
  };
  const signals = [options.signal, options.killSignal];
  try {
    const response = responseOf(request);
    request.write(`${JSON.stringify(options.input)}\n`);
    void send();
    for (const each of signals) {
      each?.addEventListener("abort", cancel);
      if (each?.aborted) cancel();
    }
    return await readAnswer(await response, options, (bytes) => upload.grant(bytes));
  } catch (error) {
    throw failure ?? error;
  } finally {
    for (const each of signals) each?.removeEventListener("abort", cancel);
    upload.close();
    request.destroy();
  }
}

function responseOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once("response", resolve);
    request.on("error", reject);
  });
}

async function readAnswer(
  response: IncomingMessage,
  options: ExchangeOptions,
  grant: (bytes: number) => void,
): Promise<unknown> {
  const lines = readLines(response, Infinity);
  if (response.headers["content-type"] === "application/json") {
    const { value } = await lines.next();
    const body = JSON.parse(value ?? "null") as unknown;
    if (response.statusCode !== 200) throw PyroError.fromBody((body as { error: ErrorBody }).error);
    return body;
  }
  for await (const text of lines) {
    const line = JSON.parse(text) as AnswerLine;
    if (line.event === "result") return line.result;
    if (line.event === "error") throw PyroError.fromBody(line.error);
    if (line.event === "stdin_credit") grant(line.bytes);
    else await options.onEvent?.(decodeEvent(line));
  }
  throw new Error("the answer ended without a result");
}

function decodeEvent(line: Exclude<AnswerLine, { event: "result" | "error" | "stdin_credit" }>): CallEvent {
  if (line.event !== "stdout" && line.event !== "stderr") return line;
  return { event: line.event, data: Buffer.from(line.data, "base64") };
}
