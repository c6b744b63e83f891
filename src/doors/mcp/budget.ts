import { cutText } from "./cut.js";
import { renderPlain } from "./plain-text.js";

/** How much output an answer may hold, and how it is shown. */
export interface Budget {
  readonly maxBytes: number;
  readonly raw: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** What a model has sent itself need not come back whole. */
const ECHO_BYTES = 400;
/** Of a list of commands, the newest are shown. */
const MAX_ENTRIES = 100;

/** A result within its budget: output cut to head and tail, cleaned of terminal codes, the counts of what was left out put right. */
export function fitResult(result: Fields, budget: Budget): Fields {
  if (Array.isArray(result["entries"])) return { ...result, ...fitList(result["entries"] as Fields[], budget) };
  if (typeof result["stdout"] !== "string" || typeof result["stderr"] !== "string") return result;
  const bytes = { stdout: Buffer.byteLength(result["stdout"]), stderr: Buffer.byteLength(result["stderr"]) };
  const half = Math.floor(budget.maxBytes / 2);
  // What one stream leaves of its half is the other's.
  const room = {
    stdout: budget.maxBytes - Math.min(bytes.stderr, half),
    stderr: budget.maxBytes - Math.min(bytes.stdout, half),
  };
  return {
    ...result,
    ...("command" in result ? { command: shorten(String(result["command"])) } : {}),
    ...fitStream(result, "stdout", room.stdout, budget.raw),
    ...fitStream(result, "stderr", room.stderr, budget.raw),
  };
}

/** Commands, or whatever else an operation lists without end. */
function fitList(entries: readonly Fields[], budget: Budget): Fields {
  if (entries.some((entry) => "stdout" in entry)) return { entries: fitEntries(entries, budget) };
  return {
    entries: entries.slice(0, MAX_ENTRIES),
    ...(entries.length > MAX_ENTRIES ? { entries_shown: MAX_ENTRIES } : {}),
  };
}

/** Newest first, until the budget is used up; those before are named without their output. */
function fitEntries(entries: readonly Fields[], { maxBytes, raw }: Budget): Fields[] {
  let left = maxBytes;
  const fitted = entries
    .slice(-MAX_ENTRIES)
    .toReversed()
    .map((entry) => {
      const fits = fitResult(entry, { maxBytes: Math.max(0, Math.min(left, Math.floor(maxBytes / 2))), raw });
      left -= Buffer.byteLength(String(fits["stdout"]) + String(fits["stderr"]));
      return fits;
    });
  return fitted.toReversed();
}

function fitStream(result: Fields, name: "stdout" | "stderr", maxBytes: number, raw: boolean): Fields {
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
