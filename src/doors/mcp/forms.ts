import type { Carrier } from "./carrier.js";
import { cutText } from "./cut.js";
import { renderResult } from "./render.js";

type Fields = Readonly<Record<string, unknown>>;

/** Output that both forms of an answer have: so little costs nothing, and a client may show either. */
const SHORT_BYTES = 2_048;
/** The same for one command of a list. */
const SHORT_ENTRY_BYTES = 256;

/** Both forms of a result. The output of commands is whole in the one that the client shows; the other one has its beginning and end. */
export function buildForms(tool: string, whole: Fields, carrier: Carrier): { text: string; structuredContent: Fields } {
  return {
    text: renderResult(tool, carrier === "structured" ? shorten(whole, "structured content") : whole),
    structuredContent: carrier === "text" ? shorten(whole, "text") : whole,
  };
}

/** The same result with short output. Its counts stay: they tell of the command, not of this form. */
function shorten(whole: Fields, elsewhere: string): Fields {
  if (outputBytes(whole) <= SHORT_BYTES) return whole;
  if (!Array.isArray(whole["entries"])) return shortenStreams(whole, SHORT_BYTES, elsewhere);
  const entries = (whole["entries"] as Fields[]).map((entry) => shortenStreams(entry, SHORT_ENTRY_BYTES, elsewhere));
  return { ...whole, entries };
}

function shortenStreams(result: Fields, maxBytes: number, elsewhere: string): Fields {
  const short = (["stdout", "stderr"] as const).flatMap((name) => {
    const text = result[name];
    if (typeof text !== "string") return [];
    const { head, tail, omittedBytes } = cutText(text, maxBytes / 2);
    const mark = `\n[... ${omittedBytes} bytes are in the ${elsewhere} of this answer only ...]\n`;
    return [[name, omittedBytes === 0 ? text : `${head}${mark}${tail}`]];
  });
  return { ...result, ...(Object.fromEntries(short) as Fields) };
}

function outputBytes(result: Fields): number {
  const entries = Array.isArray(result["entries"]) ? (result["entries"] as Fields[]) : [result];
  const texts = entries.flatMap(({ stdout, stderr }) => [stdout, stderr]);
  return texts.reduce<number>((sum, text) => sum + (typeof text === "string" ? Buffer.byteLength(text) : 0), 0);
}
