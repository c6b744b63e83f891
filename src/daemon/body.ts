import { PyroError } from "../contract/errors.js";
import { limits } from "../contract/limits.js";
import { parseTerminalSize } from "../contract/terminal.js";
import { parseEndSignal, type RequestLine } from "../contract/wire.js";
import type { IncomingMessage } from "../host/http.js";
import { LineReader } from "../host/line-reader.js";
import type { CallerAsks, Sinks } from "./caller.js";
import type { CallerBytes } from "./caller-bytes.js";

/** A request's body: the input as its first line, then lines while the call runs, or an archive up to the end. */
export class Body implements CallerAsks {
  readonly #reader: LineReader;

  constructor(request: IncomingMessage) {
    this.#reader = new LineReader(request);
  }

  /** The input as JSON, unchecked. */
  async readInput(): Promise<unknown> {
    try {
      return parseJson((await this.#reader.readLine(limits.requestLineBytes)) ?? "");
    } catch (error) {
      throw brokenOff(error);
    }
  }

  /** The raw bytes after the input. Throws ABORTED for a truncated body, which must not pass for a complete archive. */
  async *readArchive(): AsyncGenerator<Uint8Array, void> {
    try {
      yield* this.#reader.readBytes(Infinity);
    } catch (error) {
      throw brokenOff(error);
    }
  }

  /** Passes the remaining lines on until the body ends. Rejects for an invalid line. */
  async follow({ stdin, source, cancel, resize }: Sinks): Promise<void> {
    try {
      for (;;) {
        const text = await this.#reader.readLine(limits.requestLineBytes);
        if (text === null) break;
        if (text.trim() === "") continue;
        const line = parseLine(text);
        if ("cancel" in line) cancel(line.signal ?? "INT");
        else if ("resize" in line) resize(line.resize);
        else if ("source" in line || "source_end" in line) await this.#takeSource(line, source);
        else if (stdin === null) throw new PyroError("INVALID_ARGUMENT", "This operation takes no standard input.");
        else if ("stdin" in line) await stdin.push(Buffer.from(line.stdin, "base64"));
        else stdin.end();
      }
    } catch (error) {
      const failure = brokenOff(error);
      source?.fail(failure);
      throw failure;
    }
    source?.fail(brokenOff(undefined));
    stdin?.end();
  }

  async #takeSource(
    line: Extract<RequestLine, { source: number } | { source_end: true }>,
    source: CallerBytes | null,
  ): Promise<void> {
    if (source === null) throw new PyroError("INVALID_ARGUMENT", "This call takes no source in `source` lines.");
    if ("source_end" in line) return source.end();
    for await (const piece of this.#reader.readBytes(line.source)) await source.push(piece);
  }
}

/** Converts the error of a truncated body, whose client has disconnected, to ABORTED. Other errors stay unchanged. */
function brokenOff(error: unknown): PyroError {
  if (error instanceof PyroError) return error;
  return new PyroError("ABORTED", "The client disconnected before the end of its request.", { cause: error });
}

/** A line as JSON; an empty line is an input without fields. */
function parseJson(text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new PyroError("INVALID_ARGUMENT", "The request is not JSON.", { cause: error });
  }
}

function parseLine(text: string): RequestLine {
  const line = parseJson(text);
  if (typeof line === "object" && line !== null) {
    if ("stdin" in line && typeof line.stdin === "string") return { stdin: line.stdin };
    if ("stdin_end" in line && line.stdin_end === true) return { stdin_end: true };
    if ("cancel" in line && line.cancel === true) return { cancel: true, signal: parseEndSignal(line) };
    if ("resize" in line) return { resize: parseTerminalSize(line.resize) };
    if ("source" in line && Number.isSafeInteger(line.source) && Number(line.source) > 0) {
      return { source: Number(line.source) };
    }
    if ("source_end" in line && line.source_end === true) return { source_end: true };
  }
  throw new PyroError("INVALID_ARGUMENT", "A line of the request has an unknown form.", {
    hint: "Lines after the input have stdin, stdin_end, source, source_end, resize or cancel: see docs/http.md.",
  });
}
