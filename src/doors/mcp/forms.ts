import { splitBulk } from "./budget.js";
import type { Carrier } from "./carrier.js";
import { cutText } from "./cut.js";
import { renderResult } from "./render.js";
import type { Tool } from "./tools.js";

type Fields = Readonly<Record<string, unknown>>;

/** Maximum output that both forms of an answer contain; a client may show either. */
const SHORT_BYTES = 2_048;
/** Maximum output of each command in a list. */
const SHORT_ENTRY_BYTES = 256;

/** Both forms of a result. The form that the client shows has the whole output; the other has only its head and tail. */
export function buildForms(
  { name, bulk }: Pick<Tool, "name" | "bulk">,
  whole: Fields,
  carrier: Carrier,
): { text: string; structuredContent: Fields } {
  return {
    text: renderResult(name, carrier === "structured" ? shorten(whole, bulk, "structured content") : whole),
    structuredContent: carrier === "text" ? shorten(whole, bulk, "text") : whole,
  };
}

/** The same result with short output. The counts stay unchanged: they describe the command, not this form. */
function shorten(whole: Fields, bulk: readonly string[], elsewhere: string): Fields {
  const { texts, lists } = splitBulk(bulk);
  const all = [
    { entries: [whole], texts },
    ...lists.map(([list, inner]) => ({ entries: entriesOf(whole, list), texts: inner })),
  ];
  if (all.reduce((sum, each) => sum + bytesOf(each.entries, each.texts), 0) <= SHORT_BYTES) return whole;
  const shortLists = lists.map(([list, inner]) => [
    list,
    entriesOf(whole, list).map((entry) => shortenTexts(entry, inner, SHORT_ENTRY_BYTES, elsewhere)),
  ]);
  return { ...shortenTexts(whole, texts, SHORT_BYTES, elsewhere), ...(Object.fromEntries(shortLists) as Fields) };
}

function shortenTexts(result: Fields, names: readonly string[], maxBytes: number, elsewhere: string): Fields {
  const short = names.flatMap((name) => {
    const text = result[name];
    if (typeof text !== "string") return [];
    // The beginning identifies binary data; a mark would make the base64 unreadable.
    if (result[`${name}_encoding`] === "base64") return [[name, text.slice(0, maxBytes)]];
    const { head, tail, omittedBytes } = cutText(text, maxBytes / 2);
    const mark = `\n[... ${omittedBytes} bytes are in the ${elsewhere} of this answer only ...]\n`;
    return [[name, omittedBytes === 0 ? text : `${head}${mark}${tail}`]];
  });
  return { ...result, ...(Object.fromEntries(short) as Fields) };
}

function entriesOf(result: Fields, list: string): Fields[] {
  return Array.isArray(result[list]) ? (result[list] as Fields[]) : [];
}

function bytesOf(entries: readonly Fields[], names: readonly string[]): number {
  const texts = entries.flatMap((entry) => names.map((name) => entry[name]));
  return texts.reduce<number>((sum, text) => sum + (typeof text === "string" ? Buffer.byteLength(text) : 0), 0);
}
