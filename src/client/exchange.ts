import { PyroError, type ErrorBody } from "../contract/errors.js";
import type { AnswerLine, EndSignal } from "../contract/wire.js";
import { openPost, type ClientRequest, type IncomingMessage } from "../host/http.js";
import { readLines } from "../host/lines.js";
import type { CallEvent } from "./event.js";
import { sendUpload } from "./send-upload.js";
import { Upload } from "./upload.js";

export interface ExchangeOptions {
  readonly socketPath: string;
  readonly route: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly input: unknown;
  /** Null when the operation takes none, or there is none. */
  readonly stdin: AsyncIterable<Uint8Array> | null;
  readonly takesStdin: boolean;
  /** Raw bytes behind the input; null when there are none. */
  readonly upload: AsyncIterable<Uint8Array> | null;
  readonly signal: AbortSignal | undefined;
  readonly killSignal: AbortSignal | undefined;
  readonly endSignal: (() => EndSignal) | undefined;
  readonly onEvent: ((event: CallEvent) => void | Promise<void>) | undefined;
}

/** One request and its answer. Throws the daemon's error, or what the socket says when nobody answers. */
export function exchange(options: ExchangeOptions): Promise<unknown> {
  return options.upload === null ? exchangeLines(options) : exchangeUpload(options, options.upload);
}

async function exchangeLines(options: ExchangeOptions): Promise<unknown> {
  const request = openPost(options.socketPath, options.route, options.headers);
  const upload = new Upload(request);
  const cancel = () => upload.cancel(options.endSignal?.() ?? "INT");
  const { signal, killSignal } = options;
  try {
    const response = responseOf(request);
    request.write(`${JSON.stringify(options.input)}\n`);
    for (const each of [signal, killSignal]) {
      each?.addEventListener("abort", cancel);
      if (each?.aborted) cancel();
    }
    const uploaded = options.takesStdin ? upload.sendStdin(options.stdin) : undefined;
    uploaded?.catch(cancel);
    return await readAnswer(await response, options, (bytes) => upload.grant(bytes));
  } finally {
    for (const each of [signal, killSignal]) each?.removeEventListener("abort", cancel);
    upload.close();
    request.destroy();
  }
}

/** An upload has no room for a wish to cancel: the connection ends instead, and nothing is kept. */
async function exchangeUpload(options: ExchangeOptions, source: AsyncIterable<Uint8Array>): Promise<unknown> {
  const request = openPost(options.socketPath, options.route, options.headers);
  const answered = new AbortController();
  let failure: Error | null = null;
  const fail = (error: unknown) => {
    failure ??= PyroError.from(error);
    request.destroy(failure);
  };
  const cancel = () => fail(new PyroError("ABORTED", "The call was cancelled."));
  try {
    const response = responseOf(request);
    request.write(`${JSON.stringify(options.input)}\n`);
    options.signal?.addEventListener("abort", cancel);
    if (options.signal?.aborted) cancel();
    sendUpload(request, source, answered.signal).catch(fail);
    return await readAnswer(await response, options, () => {});
  } catch (error) {
    throw failure ?? error;
  } finally {
    answered.abort();
    options.signal?.removeEventListener("abort", cancel);
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
