import type { ResultOf } from "../../contract/operations.js";
import { printable } from "./printable.js";
import { renderTable } from "./task.js";

type ShellView = ResultOf<"task.shell.list">["shells"][number];

export function renderShells(shells: readonly ShellView[]): string {
  if (shells.length === 0) return "The task has no shells.\n";
  const rows = shells.map(({ name, state, sequence, rows, cols, command }) => [
    ...[name, state, String(sequence), `${rows}x${cols}`],
    printable(command),
  ]);
  return renderTable([["NAME", "STATE", "COMMAND", "SIZE", "LINE"], ...rows], 80);
}
