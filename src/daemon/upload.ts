import { PyroError } from "../contract/errors.js";
import { limits } from "../contract/limits.js";
import type { IncomingMessage } from "../host/http.js";
import { throwBrokenOff } from "./body.js";

const NEWLINE = 10;

/** The body of an operation that takes an archive: a line of input, then raw bytes to the end. */
export interface UploadBody {
  /** The first line, as text. */
  readInput(): Promise<string>;
  /** What follows it. Throws ABORTED when it breaks off: a body without its end is no archive that ends. */
  content(): AsyncIterable<Uint8Array>;
}

export function openUploadBody(request: IncomingMessage): UploadBody {
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);
  return {
    async readInput() {
      const parts: Buffer[] = [];
      let partBytes = 0;
      for (;;) {
        const { done, value } = await chunks.next().catch(throwBrokenOff);
        if (done) break;
        const end = value.indexOf(NEWLINE);
        const part = end === -1 ? value : value.subarray(0, end);
        parts.push(part);
        partBytes += part.length;
        if (partBytes > limits.requestLineBytes) {
          throw new PyroError("INVALID_ARGUMENT", `The input is longer than ${limits.requestLineBytes} bytes.`);
        }
        if (end === -1) continue;
        rest = value.subarray(end + 1);
        break;
      }
      return Buffer.concat(parts).toString("utf8");
    },
    async *content() {
      if (rest.length > 0) yield rest;
      try {
        yield* chunks;
      } catch (error) {
        throwBrokenOff(error);
      }
    },
  };
}
