// Renders the tables of commands and methods into pages that are otherwise written by hand, between `<!-- NAME -->` and
// `<!-- /NAME -->`. `--check` compares instead of writing.
import { contract, fail, readText, sdkMethods, snakeOf, writeRendered } from "./contract.mjs";

const built = new URL("../dist/src/doors/cli/", import.meta.url);
const { buildCommands } = await import(new URL("commands.js", built));

const tables = {
  commands: () =>
    renderTable(
      ["command", "what it does"],
      buildCommands(contract).map((command) => [`\`${renderUsage(command)}\``, command.summary]),
    ),
  "typescript-methods": () => renderMethods((name) => name),
  "python-methods": () => renderMethods(snakeOf),
};
const pages = {
  "docs/cli.md": ["commands"],
  "docs/sdk.md": ["typescript-methods"],
  "docs/python.md": ["python-methods"],
};

for (const [path, names] of Object.entries(pages)) {
  const text = names.reduce((page, name) => replaceTable(path, page, name), readText(path));
  writeRendered(path, text);
}

function replaceTable(path, page, name) {
  const [start, end] = [`<!-- ${name} -->\n`, `\n<!-- /${name} -->`];
  const [from, to] = [page.indexOf(start), page.indexOf(end)];
  if (from === -1 || to === -1) fail(`${path} has no place for the table of ${name}.`);
  return `${page.slice(0, from + start.length)}\n${tables[name]()}\n${page.slice(to)}`;
}

function renderUsage({ words, positionals, flags, rest }) {
  return [
    "pyro",
    ...words,
    ...positionals.map(({ name, required }) => (required ? name.toUpperCase() : `[${name.toUpperCase()}]`)),
    ...(flags.some(({ name }) => name !== "json") ? ["[FLAGS]"] : []),
    ...(rest ? ["--", `${rest.name.toUpperCase()}…`] : []),
  ].join(" ");
}

function renderMethods(spell) {
  return renderTable(
    ["method", "of a task's handle", "what it does"],
    sdkMethods().map(({ method, handle, summary }) => [
      `\`${spell(method)}\``,
      handle ? `\`${spell(handle.name)}\`` : "",
      summary,
    ]),
  );
}

function renderTable(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${head.map(() => "---").join("|")}|`, ...rows.map(line)].join("\n").replaceAll("|  |", "| |");
}
