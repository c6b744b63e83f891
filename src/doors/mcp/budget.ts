import { readableOutput } from "../../client/readable-output.js";
import { cutText } from "./cut.js";
import { renderPlain } from "./plain-text.js";

/** How much output an answer may hold, and how it is shown. */
export interface Budget {
  readonly maxBytes: number;
  readonly raw: boolean;
  /** The result's bulky fields, as `Operation` names them. */
  readonly bulk: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** What the encoding of readable text with bytes that are not UTF-8 is called: the field is for a model. */
const LOSSY = "utf-8, other bytes as U+FFFD";
/** Of binary data, so much shows what it is. A multiple of 3, since base64 is cut there. */
const BINARY_BYTES = 768;
/** What a model has sent itself need not come back whole. */
const ECHO_BYTES = 400;
/** Of a list of commands, the newest are shown. */
const MAX_ENTRIES = 100;

/** The bulky fields of a result: its own texts, and its lists with the texts of their elements. */
export function splitBulk(bulk: readonly string[]): { texts: string[]; lists: [list: string, texts: string[]][] } {
  const lists = new Map<string, string[]>();
  for (const path of bulk.filter((candidate) => candidate.includes("[]"))) {
    const [list = "", text = ""] = path.split("[]");
    lists.set(list, [...(lists.get(list) ?? []), ...(text === "" ? [] : [text.slice(1)])]);
  }
  return { texts: bulk.filter((path) => !path.includes("[]")), lists: [...lists] };
}

/** A result within its budget: output cut to head and tail, cleaned of terminal codes, the counts of what was left out put right. */
export function fitResult(result: Fields, budget: Budget): Fields {
  const { texts, lists } = splitBulk(budget.bulk);
  const fitted = lists.map(([list, inner]) =>
    Array.isArray(result[list]) ? fitList(list, result[list] as Fields[], { ...budget, bulk: inner }) : {},
  );
  return Object.assign({ ...result, ...fitTexts(result, texts, budget) }, ...fitted) as Fields;
}

function fitTexts(result: Fields, names: readonly string[], budget: Budget): Fields {
  const { maxBytes } = budget;
  const texts = names.filter((name) => typeof result[name] === "string");
  if (texts.length === 0) return {};
  const share = Math.floor(maxBytes / texts.length);
  const takenOf = (name: string) => Math.min(shownBytes(result, name, budget), share);
  const taken = texts.reduce((sum, name) => sum + takenOf(name), 0);
  // What one text leaves of its share is the others'.
  const fitted = texts.map((name) =>
    fitOutput(result, name, { ...budget, maxBytes: maxBytes - taken + takenOf(name) }),
  );
  const echo = "command" in result ? { command: shorten(String(result["command"])) } : {};
  return Object.assign(echo, ...fitted) as Fields;
}

/** Commands, or whatever else an operation lists without end. */
function fitList(name: string, entries: readonly Fields[], budget: Budget): Fields {
  if (budget.bulk.length > 0) return { [name]: fitEntries(entries, budget) };
  const isCut = entries.length > MAX_ENTRIES;
  return { [name]: entries.slice(0, MAX_ENTRIES), ...(isCut ? { [`${name}_shown`]: MAX_ENTRIES } : {}) };
}

/** Newest first, until the budget is used up; those before are named without their output. */
function fitEntries(entries: readonly Fields[], budget: Budget): Fields[] {
  let left = budget.maxBytes;
  const fitted = entries
    .slice(-MAX_ENTRIES)
    .toReversed()
    .map((entry) => {
      const maxBytes = Math.max(0, Math.min(left, Math.floor(budget.maxBytes / 2)));
      const fits = fitResult(entry, { ...budget, maxBytes });
      left -= budget.bulk.reduce((sum, text) => sum + Buffer.byteLength(String(fits[text] ?? "")), 0);
      return fits;
    });
  return fitted.toReversed();
}

/** Output as text: null when it is binary data. */
function readOutput(result: Fields, name: string): string | null {
  return readableOutput(String(result[name]), result[`${name}_encoding`]);
}

/** How much an output takes of the budget at most. */
function shownBytes(result: Fields, name: string, budget: Budget): number {
  const text = readOutput(result, name);
  return text === null
    ? Math.min(String(result[name]).length, mostBinary(result, name, budget))
    : Buffer.byteLength(text);
}

function fitOutput(result: Fields, name: string, budget: Budget): Fields {
  const text = readOutput(result, name);
  if (text === null) return fitBinary(result, name, budget);
  const fitted = fitText(result, name, text, budget);
  return result[`${name}_encoding`] === "base64" ? { ...fitted, [`${name}_encoding`]: LOSSY } : fitted;
}

function fitText(result: Fields, name: string, text: string, { maxBytes, raw }: Budget): Fields {
  const cut = cutText(text, maxBytes);
  const show = raw ? (part: string) => part : renderPlain;
  const flag = `${name}_truncated`;
  if (cut.omittedBytes === 0 || !(flag in result)) return { [name]: show(text) };
  const omitted = cut.omittedBytes + omittedBefore(result, name);
  const where = "sequence" in result ? `; ${name}_offset ${cut.headBytes} of task_exec_output goes on here` : "";
  return {
    [name]: `${show(cut.head)}\n[... ${omitted} bytes left out${where} ...]\n${show(cut.tail)}`,
    [flag]: true,
    [`${name}_omitted_bytes`]: omitted,
  };
}

/** The beginning of binary data, which says what it is; all that fits when `raw` asks for it. A page was asked for, and is given whole. */
function fitBinary(result: Fields, name: string, budget: Budget): Fields {
  const base64 = String(result[name]);
  const shown = base64.slice(0, mostBinary(result, name, budget));
  if (shown.length === base64.length) return {};
  const left = Buffer.byteLength(base64, "base64") - Buffer.byteLength(shown, "base64");
  return {
    [name]: shown,
    [`${name}_truncated`]: true,
    [`${name}_omitted_bytes`]: left + omittedBefore(result, name),
  };
}

/** Characters of base64. */
function mostBinary(result: Fields, name: string, { maxBytes, raw }: Budget): number {
  if (!(`${name}_truncated` in result)) return Infinity;
  return Math.floor(Math.min(maxBytes, raw ? Infinity : (BINARY_BYTES / 3) * 4) / 4) * 4;
}

/** Bytes that an earlier cut left out, less its mark, which is in the middle and is no output. */
function omittedBefore(result: Fields, name: string): number {
  const before = Number(result[`${name}_omitted_bytes`]);
  return before === 0 ? 0 : before - `\n[... ${before} bytes left out ...]\n`.length;
}

function shorten(text: string): string {
  const cut = cutText(text, ECHO_BYTES);
  return cut.omittedBytes === 0 ? text : `${cut.head}[... ${cut.omittedBytes} bytes ...]${cut.tail}`;
}
