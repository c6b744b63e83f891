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

function fitTexts(result: Fields, names: readonly string[], { maxBytes, raw }: Budget): Fields {
  const texts = names.filter((name) => typeof result[name] === "string");
  if (texts.length === 0) return {};
  const share = Math.floor(maxBytes / texts.length);
  const takenOf = (name: string) => Math.min(Buffer.byteLength(String(result[name])), share);
  const taken = texts.reduce((sum, name) => sum + takenOf(name), 0);
  // What one text leaves of its share is the others'.
  const fitted = texts.map((name) => fitText(result, name, maxBytes - taken + takenOf(name), raw));
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

function fitText(result: Fields, name: string, maxBytes: number, raw: boolean): Fields {
  const text = String(result[name]);
  const cut = cutText(text, maxBytes);
  const show = raw ? (part: string) => part : renderPlain;
  const flag = `${name}_truncated`;
  if (cut.omittedBytes === 0 || !(flag in result)) return { [name]: show(text) };
  const before = Number(result[`${name}_omitted_bytes`]);
  // The mark of an earlier cut is in the middle, and is no output.
  const mark = before === 0 ? 0 : `\n[... ${before} bytes left out ...]\n`.length;
  const omitted = cut.omittedBytes + before - mark;
  const where = "sequence" in result ? `; ${name}_offset ${cut.headBytes} of task_exec_output goes on here` : "";
  return {
    [name]: `${show(cut.head)}\n[... ${omitted} bytes left out${where} ...]\n${show(cut.tail)}`,
    [flag]: true,
    [`${name}_omitted_bytes`]: omitted,
  };
}

function shorten(text: string): string {
  const cut = cutText(text, ECHO_BYTES);
  return cut.omittedBytes === 0 ? text : `${cut.head}[... ${cut.omittedBytes} bytes ...]${cut.tail}`;
}
