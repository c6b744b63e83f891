import { readableOutput } from "../../client/readable-output.js";
import { cutText } from "./cut.js";
import { renderPlain } from "./plain-text.js";

/** The output budget of an answer, and its format. */
export interface Budget {
  readonly maxBytes: number;
  readonly raw: boolean;
  /** The result's bulky fields, as `Operation` names them. */
  readonly bulk: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Encoding name for text with some bytes that are not UTF-8. A model reads it. */
const LOSSY = "utf-8, other bytes as U+FFFD";
/** Bytes of binary data that are shown: enough to identify it. A multiple of 3, where base64 can be cut. */
const BINARY_BYTES = 768;
/** Maximum length of the model's own command in an answer. */
const ECHO_BYTES = 400;
/** Maximum number of commands in a list; the newest are shown. */
const MAX_ENTRIES = 100;

/** The large fields of a result: its texts, and its lists with their elements' texts. */
export function splitBulk(bulk: readonly string[]): { texts: string[]; lists: [list: string, texts: string[]][] } {
  const lists = new Map<string, string[]>();
  for (const path of bulk.filter((candidate) => candidate.includes("[]"))) {
    const [list = "", text = ""] = path.split("[]");
    lists.set(list, [...(lists.get(list) ?? []), ...(text === "" ? [] : [text.slice(1)])]);
  }
  return { texts: bulk.filter((path) => !path.includes("[]")), lists: [...lists] };
}

/** Fits a result into its budget: removes terminal codes, cuts output to head and tail, and adjusts the counts of omitted bytes. */
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
  // A text that is shorter than its share leaves the rest to the others.
  const fitted = texts.map((name) =>
    fitOutput(result, name, { ...budget, maxBytes: maxBytes - taken + takenOf(name) }),
  );
  const echo = "command" in result ? { command: shorten(String(result["command"])) } : {};
  return Object.assign(echo, ...fitted) as Fields;
}

/** Commands, or other lists without a limit. */
function fitList(name: string, entries: readonly Fields[], budget: Budget): Fields {
  if (budget.bulk.length > 0) {
    return { [name]: name === "entries" ? fitEntries(entries, budget) : fitEqually(entries, budget) };
  }
  const isCut = entries.length > MAX_ENTRIES;
  return { [name]: entries.slice(0, MAX_ENTRIES), ...(isCut ? { [`${name}_shown`]: MAX_ENTRIES } : {}) };
}

/** Fills the budget from the newest entry; older entries are listed without output. */
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

/** Gives each element the same share of the budget: they are compared with each other. */
function fitEqually(entries: readonly Fields[], budget: Budget): Fields[] {
  const maxBytes = Math.floor(budget.maxBytes / Math.max(1, entries.length));
  return entries.map((entry) => fitResult(entry, { ...budget, maxBytes }));
}

/** Output as text; null when it is binary data. */
function readOutput(result: Fields, name: string): string | null {
  return readableOutput(String(result[name]), result[`${name}_encoding`]);
}

/** The maximum that an output takes from the budget. */
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
  const where = "sequence" in result ? `; ${name}_offset ${cut.headBytes} of task_exec_output continues here` : "";
  return {
    [name]: `${show(cut.head)}\n[... ${omitted} bytes left out${where} ...]\n${show(cut.tail)}`,
    [flag]: true,
    [`${name}_omitted_bytes`]: omitted,
  };
}

/** The beginning of binary data, which identifies it. With `raw`, as much as fits. A page of task_exec_output is returned whole. */
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

/** Bytes that an earlier cut left out. Subtracts its mark in the middle, which is not output. */
function omittedBefore(result: Fields, name: string): number {
  const before = Number(result[`${name}_omitted_bytes`]);
  return before === 0 ? 0 : before - `\n[... ${before} bytes left out ...]\n`.length;
}

function shorten(text: string): string {
  const cut = cutText(text, ECHO_BYTES);
  return cut.omittedBytes === 0 ? text : `${cut.head}[... ${cut.omittedBytes} bytes ...]${cut.tail}`;
}
