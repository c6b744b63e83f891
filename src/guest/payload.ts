import type { z } from "zod";

import { PyroError } from "../contract/errors.js";
import type { Frame } from "./frames.js";

/** How deep the JSON of a message may be nested. */
const MAX_DEPTH = 8;

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('"\\[]{}');

/** Parses a frame's JSON by its schema. Throws AGENT_PROTOCOL, which closes the channel when a listener throws it. */
export function parseJson<T>(frame: Frame, schema: z.ZodType<T>): T {
  try {
    assertDepth(frame.payload);
    return schema.parse(JSON.parse(frame.payload.toString("utf8")));
  } catch (error) {
    throw new PyroError("AGENT_PROTOCOL", "The guest sent a message that is not in the protocol.", { cause: error });
  }
}

export function outOfOrder(frame: Frame): PyroError {
  return new PyroError("AGENT_PROTOCOL", `The guest sent a frame of type ${frame.type} out of order.`);
}

/** Bytes that are not JSON may be counted wrongly; the parser then refuses them. */
function assertDepth(bytes: Buffer): void {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) isText = !isText;
    else if (isText) at += byte === BACKSLASH ? 1 : 0;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) depth += 1;
    else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
    if (depth > MAX_DEPTH) throw new Error(`it is nested more than ${MAX_DEPTH} deep`);
  }
}
