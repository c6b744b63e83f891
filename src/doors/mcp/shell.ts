import { renderPlain } from "./plain-text.js";

type Fields = Readonly<Record<string, unknown>>;

/** How many lines that scrolled away are shown. */
const SCROLLED_LINES = 200;

/** The screen of a shell for a model: what scrolled since, then what is visible, with the cursor. */
export function renderShell(result: Fields): string {
  if ("shells" in result) return renderList(result["shells"] as Fields[]);
  const { name, state, exit_code, screen, rows, cols, cursor_row, cursor_col, offset } = result;
  if (screen === undefined) return `Shell ${String(name)}: closed`;
  const scrolled = String(result["scrolled"]).split("\n").slice(-SCROLLED_LINES).join("\n");
  const head = `Shell ${String(name)}: ${String(state)}${exit_code === null ? "" : `, exit_code ${String(exit_code)}`}`;
  return [
    `${head} (${String(rows)} lines of ${String(cols)}, cursor at ${String(cursor_row)}:${String(cursor_col)}, offset ${String(offset)}${result["found"] === true ? "" : ", still waiting"})`,
    ...(scrolled === "" ? [] : ["Scrolled:", renderPlain(scrolled), "Screen:"]),
    renderPlain(String(screen)).trimEnd() || "(empty)",
  ].join("\n");
}

function renderList(shells: readonly Fields[]): string {
  if (shells.length === 0) return "The task has no shells.";
  return shells.map(({ name, state, command }) => `${String(name)} ${String(state)}: ${String(command)}`).join("\n");
}
