// Renders the figures of docs/performance.json, which `make bench` writes, into docs/performance.md and docs/performance.svg.
// `--check` compares instead of writing.
import { fail, readText, writeRendered } from "./contract.mjs";
import { renderChart } from "./performance-chart.mjs";

const built = new URL("../dist/src/bench/", import.meta.url);
const { renderMarkdown } = await import(new URL("table.js", built));
const { renderCircumstances, renderConditions } = await import(new URL("report.js", built));

const START = "<!-- figures -->\n";
const END = "\n<!-- /figures -->";

const { conditions, sections } = JSON.parse(readText("docs/performance.json"));
writeFigures("docs/performance.md", sections.map(renderSection));
writeRendered("docs/performance.svg", renderChart(sections));

function writeFigures(path, parts) {
  const page = readText(path);
  const [from, to] = [page.indexOf(START), page.indexOf(END)];
  if (from === -1 || to === -1) fail(`${path} has no place for the figures.`);
  const body = [renderConditions(conditions), ...parts].join("\n\n");
  writeRendered(path, `${page.slice(0, from + START.length)}\n${body}\n${page.slice(to)}`);
}

function renderSection(section) {
  const tables = section.tables.map((table) => renderMarkdown(table).trimEnd());
  return [`## ${section.name}`, renderCircumstances(section), ...tables].join("\n\n");
}
