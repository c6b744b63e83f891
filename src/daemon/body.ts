import { PyroError } from "../contract/errors.js";
import { limits } from "../contract/limits.js";
import type { EndSignal, RequestLine } from "../contract/wire.js";
import type { IncomingMessage } from "../host/http.js";
import { readLines } from "../host/lines.js";
import type { CallerStdin } from "./stdin.js";

/** A request's body: the input first, then, while a streaming call runs, its standard input and the wish to cancel. */
export interface Body {
  /** The input as JSON, unchecked. */
  readInput(): Promise<unknown>;
  /** Hands the remaining lines on until the body ends; rejects when one makes no sense. */
  follow(stdin: CallerStdin | null, cancel: (signal: EndSignal) => void): Promise<void>;
}

export function openBody(request: IncomingMessage): Body {
  const lines = readLines(request, limits.requestLineBytes);
  return {
    async readInput() {
      const { value } = await lines.next().catch(throwBrokenOff);
      return parseJson(value ?? "");
    },
    async follow(stdin, cancel) {
      try {
        for await (const text of lines) {
          const line = parseLine(text);
          if ("cancel" in line) cancel(line.signal ?? "INT");
          else if (stdin === null) throw new PyroError("INVALID_ARGUMENT", "This operation takes no standard input.");
          else if ("stdin" in line) await stdin.push(Buffer.from(line.stdin, "base64"));
          else stdin.end();
        }
      } catch (error) {
        throwBrokenOff(error);
      }
      stdin?.end();
    },
  };
}

/** A body that ends before its end: its client is gone. What was thrown for another reason stays as it is. */
export function throwBrokenOff(error: unknown): never {
  if (error instanceof PyroError) throw error;
  throw new PyroError("ABORTED", "The request broke off: the client is gone.", { cause: error });
}

/** A line as JSON; none is an input without fields. */
export function parseJson(text: string): unknown {
  if (text.trim() === "") return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new PyroError("INVALID_ARGUMENT", "The request is not JSON.", { cause: error });
  }
}

function parseCancel(line: object): RequestLine {
  if (!("signal" in line)) return { cancel: true };
  if (line.signal === "INT" || line.signal === "TERM") return { cancel: true, signal: line.signal };
  throw new PyroError("INVALID_ARGUMENT", "The signal of a cancel line is INT or TERM.");
}

function parseLine(text: string): RequestLine {
  const line = parseJson(text);
  if (typeof line === "object" && line !== null) {
    if ("stdin" in line && typeof line.stdin === "string") return { stdin: line.stdin };
    if ("stdin_end" in line && line.stdin_end === true) return { stdin_end: true };
    if ("cancel" in line && line.cancel === true) return parseCancel(line);
  }
  throw new PyroError("INVALID_ARGUMENT", "A line of the request is neither stdin, stdin_end nor cancel.");
}
