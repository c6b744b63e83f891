import type { ResultOf } from "../../contract/operations.js";
import { printable } from "./printable.js";
import { renderBytes } from "./size.js";

/** Permissions, size, time and name of each entry, in the form of `ls -l`. */
export function renderFileList({ entries, next_after }: ResultOf<"task.file.list">): string {
  const lines = entries.map(renderEntry);
  const more = next_after === null ? [] : [`There are more: --after ${printable(next_after)}`];
  return [...lines, ...more].map((line) => `${line}\n`).join("");
}

export function renderEntry({
  path,
  type,
  mode,
  size_bytes,
  modified_at,
  target,
}: Omit<ResultOf<"task.file.stat">, "task_id">): string {
  const size = type === "file" ? renderBytes(size_bytes) : "-";
  const name = printable(path) + (type === "directory" ? "/" : target === null ? "" : ` -> ${printable(target)}`);
  return `${type.padEnd(9)} ${mode} ${size.padStart(10)}  ${modified_at.slice(0, 19).replace("T", " ")}  ${name}`;
}
