import { renderMs, renderRatio } from "./numbers.js";

/** Units of the cells of a column; numbers are kept as measured and rounded when they are shown. */
type Unit = "text" | "count" | "ms" | "ratio" | "MiB" | "KiB" | "MB/s" | "percent";

export interface Column {
  readonly name: string;
  readonly unit: Unit;
}

export type Cell = string | number | null;

/** Measured figures with their names, as they are written to JSON. */
export interface Table {
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Cell[])[];
  /** Lines for what does not fit into the table. */
  readonly notes?: readonly string[];
}

/** A column of a name, by the unit of its cells. */
export const column = {
  text: of("text"),
  count: of("count"),
  ms: of("ms"),
  ratio: of("ratio"),
  mib: of("MiB"),
  kib: of("KiB"),
  megabytes: of("MB/s"),
  percent: of("percent"),
} as const;

function of(unit: Unit): (name: string) => Column {
  return (name) => ({ name, unit });
}

export function renderMarkdown(table: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`;
  const [head = [], ...rows] = renderRows(table);
  const lines = [head, head.map(() => "---"), ...rows].map(line).join("");
  const notes = (table.notes ?? []).map((note) => `\n${note}\n`).join("");
  return `### ${table.title}\n\n${lines}${notes}`;
}

/** The same for a terminal: figures to the right. */
export function renderPlain(table: Table): string {
  const rows = renderRows(table).map((cells) => cells.map((cell) => cell.replaceAll("`", "")));
  const widths = table.columns.map((_, index) => Math.max(...rows.map((cells) => cells[index]!.length)));
  const pad = (cell: string, index: number) =>
    table.columns[index]?.unit === "text" ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!);
  const lines = rows.map((cells) => `  ${cells.map(pad).join("  ").trimEnd()}\n`).join("");
  const notes = (table.notes ?? []).map((note) => `  ${note}\n`).join("");
  return `${table.title.replaceAll("`", "")}\n${lines}${notes}`;
}

function renderRows({ columns, rows }: Table): string[][] {
  return [
    columns.map(({ name }) => name),
    ...rows.map((cells) => cells.map((cell, index) => renderCell(cell, columns[index]!.unit))),
  ];
}

function renderCell(cell: Cell, unit: Unit): string {
  if (cell === null) return "";
  if (typeof cell === "string") return cell;
  switch (unit) {
    case "ms":
      return renderMs(cell);
    case "ratio":
      return renderRatio(cell);
    case "MiB":
    case "KiB":
      return `${cell.toFixed(cell < 100 ? 1 : 0)} ${unit}`;
    case "percent":
      return `${cell.toFixed(cell < 10 ? 2 : 0)} %`;
    default:
      return cell.toFixed(0);
  }
}
