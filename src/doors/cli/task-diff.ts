import type { Client } from "../../client/client.js";
import type { ArgumentsOf, ResultOf } from "../../contract/operations.js";
import { jsonLine } from "./json-line.js";
import { printable } from "./printable.js";
import { print } from "./show.js";

type Diff = ResultOf<"task.diff">;
type ChangedFile = Diff["files"][number];

/** `pyro task diff`: all pages as one text, a table of lines with `--stat`, or names. */
export async function taskDiff(client: Client, input: ArgumentsOf<"task.diff">, json: boolean): Promise<number> {
  if (json) return print(jsonLine(await client.call("task.diff", input)));
  const files: ChangedFile[] = [];
  let after = input.after;
  do {
    const page: Diff = await client.call("task.diff", { ...input, ...(after !== undefined && { after }) });
    files.push(...page.files);
    await print(page.patch);
    after = page.next_after ?? undefined;
  } while (after !== undefined);
  if (input.name_only) return print(files.map(({ path }) => `${printable(path)}\n`).join(""));
  return input.stat ? print(renderStat(files)) : 0;
}

/** The widest graph of one file, in signs. */
const GRAPH_COLUMNS = 40;

function renderStat(files: readonly ChangedFile[]): string {
  if (files.length === 0) return "";
  const names = files.map((file) => printable(nameOf(file)));
  const width = Math.max(...names.map((name) => name.length));
  const most = Math.max(1, ...files.map(({ additions, deletions }) => (additions ?? 0) + (deletions ?? 0)));
  const scale = Math.min(1, GRAPH_COLUMNS / most);
  const lines = files.map((file, index) => ` ${(names[index] ?? "").padEnd(width)} | ${renderCounts(file, scale)}`);
  const sum = (kind: "additions" | "deletions") => files.reduce((total, file) => total + (file[kind] ?? 0), 0);
  const changed = files.length === 1 ? "1 entry changed" : `${files.length} entries changed`;
  lines.push(` ${changed}, ${sum("additions")} lines added, ${sum("deletions")} lines deleted`);
  return `${lines.join("\n")}\n`;
}

function nameOf({ path, renamed_from: from }: ChangedFile): string {
  return from === undefined ? path : `${from} => ${path}`;
}

function renderCounts({ status, additions, deletions }: ChangedFile, scale: number): string {
  if (additions === null || deletions === null) return status.replace("_", " ");
  const signs = (count: number, sign: string) => sign.repeat(Math.ceil(count * scale));
  return `${additions + deletions} ${signs(additions, "+")}${signs(deletions, "-")}`.trimEnd();
}
