import assert from "node:assert/strict";

import type { Answer } from "./runner.js";

type Fields = Readonly<Record<string, unknown>>;

/** Hints name commands and flags; for a model they name tools and fields. */
const spoken: readonly (readonly [words: RegExp, instead: string])[] = [
  [/`pyro help`/g, "the tool's input schema"],
  [/`pyro env list`/g, "vm_list_environments"],
  [/`pyro task list`/g, "task_list"],
  [/`pyro task file list`/g, "task_file_list"],
  [/`pyro task logs [^`]*`/g, "task_logs"],
  [/--allow-host-compat/g, "allow_host_compat"],
  [/--exclude/g, "exclude"],
  [/--links/g, "links"],
  [/--mem-mib/g, "mem_mib"],
  [/--network\b/g, "network"],
  [/`pyro task (reset|start)`/g, "task_$1"],
  [/`pyro task output`/g, "task_exec_output"],
  [/--force/g, "force"],
  [/--with-git/g, "with_git"],
  [/--recursive/g, "recursive"],
];
const OUTPUT_CUT =
  /\n\[\.\.\. (\d+) bytes left out(?:; (\w+)_offset (\d+) of task_exec_output continues here)? \.\.\.\]\n/;
const COMMAND_CUT = /\[\.\.\. (\d+) bytes \.\.\.\]/;
const MARK = /\n\[\.\.\. \d+ bytes left out \.\.\.\]\n/;

/**
 * The only place for differences between MCP and the other doors. A model reads its answers: hints name tools, and long output and
 * commands are cut to head and tail. Each difference is checked against another door's answer, and then undone.
 */
export function undoForModel(shown: Answer, said: Answer): Answer {
  if ("error" in shown && "error" in said) {
    const expected = spoken.reduce((hint, [words, instead]) => hint.replaceAll(words, instead), said.error.hint);
    return shown.error.hint === expected ? { error: { ...shown.error, hint: said.error.hint } } : shown;
  }
  return "result" in shown && "result" in said ? { result: uncut(shown.result, said.result) } : shown;
}

function uncut(shown: Fields, said: Fields): Record<string, unknown> {
  const entries = Array.isArray(shown["entries"]) && Array.isArray(said["entries"]) ? said["entries"] : null;
  return {
    ...shown,
    ...(entries && { entries: (shown["entries"] as Fields[]).map((entry, at) => uncut(entry, entries[at] ?? {})) }),
    ...uncutCommand(shown, said),
    ...uncutStream("stdout", shown, said),
    ...uncutStream("stderr", shown, said),
  };
}

function uncutStream(name: "stdout" | "stderr", shown: Fields, said: Fields): Fields {
  const [part, whole] = [shown[name], said[name]];
  if (typeof part !== "string" || typeof whole !== "string" || part === whole) return {};
  const [flag, omitted] = [`${name}_truncated`, `${name}_omitted_bytes`];
  const { head, tail, numbers } = assertCut(part, whole, OUTPUT_CUT);
  const [left, stream, offset] = numbers;
  // The mark of a cut is not output.
  const total = bytesOf(whole.replace(MARK, "")) + Number(said[omitted]);
  assert.equal(Number(left), total - bytesOf(head) - bytesOf(tail), `${name}: the count of what is left out`);
  assert.deepEqual([shown[flag], shown[omitted]], [true, Number(left)]);
  if ("sequence" in shown) assert.deepEqual([stream, Number(offset)], [name, bytesOf(head)]);
  return { [name]: whole, [flag]: said[flag], [omitted]: said[omitted] };
}

function uncutCommand(shown: Fields, said: Fields): Fields {
  const [part, whole] = [shown["command"], said["command"]];
  if (typeof part !== "string" || typeof whole !== "string" || part === whole) return {};
  const { head, tail, numbers } = assertCut(part, whole, COMMAND_CUT);
  assert.equal(Number(numbers[0]), bytesOf(whole) - bytesOf(head) - bytesOf(tail));
  return { command: whole };
}

/** Asserts that a text is the head and the tail of another, with a mark with numbers between them. */
function assertCut(part: string, whole: string, mark: RegExp) {
  const found = mark.exec(part);
  assert.ok(found, `neither whole nor cut: ${part.slice(0, 200)}`);
  const head = part.slice(0, found.index);
  const tail = part.slice(found.index + found[0].length);
  assert.ok(whole.startsWith(head) && whole.endsWith(tail), "what is shown is not the head and the tail");
  return { head, tail, numbers: found.slice(1) };
}

/** A replacement character stands for at least one byte. */
function bytesOf(text: string): number {
  return Buffer.byteLength(text.replaceAll("\uFFFD", "?"));
}
