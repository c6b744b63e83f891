import type { WebResponse } from "../../host/web.js";
import { readAll } from "../image/streams.js";
import type { RefusedAnswer } from "./failure.js";

const MOST_ERROR_BYTES = 65_536;
const MOST_SAID_CHARACTERS = 300;

/** The registry's reason: its JSON has a list of errors. */
export async function readRefusal({ status, headers, body }: WebResponse): Promise<RefusedAnswer> {
  const bytes = await readAll(body, MOST_ERROR_BYTES, "The answer").catch(() => Buffer.alloc(0));
  body.destroy();
  return { status, said: saidBy(bytes.toString("utf8")), retryAfter: headers["retry-after"] ?? null };
}

function saidBy(text: string): string | null {
  try {
    const { errors = [], details } = JSON.parse(text) as {
      errors?: { code?: unknown; message?: unknown }[];
      details?: unknown;
    };
    const said = errors.map(({ code, message }) => message || code).filter((word) => typeof word === "string");
    const all = said.length > 0 ? said.join("; ") : typeof details === "string" ? details : "";
    return all === "" ? null : printable(all);
  } catch {
    return /^[^<{]{1,300}$/.test(text.trim()) ? printable(text.trim()) : null;
  }
}

/** One line without characters that control a terminal. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e\xa0-\uffff]+/g, " ").slice(0, MOST_SAID_CHARACTERS);
}
