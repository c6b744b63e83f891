// Fails when modules import each other in a circle. Imports of types count too, which the linter's rule does not see.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const typescript = /(?:\bfrom\s*|\bimport\s*\(?\s*)"(\.[^"]+)"/g;
const python = /^[ \t]*from[ \t]+(?:\.|pyro_mcp\.)(\w+)[ \t]+import\b/gm;
const pythonModules = /^[ \t]*from[ \t]+(?:\.|pyro_mcp)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)/gm;

const graphs = [readGraph("src", ".ts", importsOfTypescript), readGraph("python/pyro_mcp", ".py", importsOfPython)];
const circles = graphs.flatMap(findCircles);
for (const circle of circles) process.stderr.write(`These files import each other: ${circle.toSorted().join(", ")}\n`);
if (circles.length > 0) {
  process.stderr.write("Move what they share into a file of its own.\n");
  process.exit(1);
}

/** The files below a directory, each with the files that it imports. */
function readGraph(directory, extension, importsOf) {
  const files = readdirSync(directory, { recursive: true })
    .filter((name) => name.endsWith(extension))
    .map((name) => join(directory, name));
  const graph = new Map(files.map((file) => [file, importsOf(file).filter((target) => files.includes(target))]));
  const edges = [...graph.values()].flat().length;
  if (edges === 0) throw new Error(`No imports were found in ${directory}.`);
  return graph;
}

function importsOfTypescript(file) {
  return [...readFileSync(file, "utf8").matchAll(typescript)].map(([, target]) =>
    normalize(join(dirname(file), target)).replace(/\.js$/, ".ts"),
  );
}

function importsOfPython(file) {
  const text = readFileSync(file, "utf8");
  const names = [...text.matchAll(pythonModules)].flatMap(([, list]) => list.match(/\w+/g) ?? []);
  return [...[...text.matchAll(python)].map(([, name]) => name), ...names].map((name) =>
    join(dirname(file), `${name}.py`),
  );
}

/** Each largest set of files in which every file reaches every other one (Tarjan's strongly connected components). */
function findCircles(graph) {
  const [indexes, lowest, stack, found] = [new Map(), new Map(), [], []];
  const visit = (file) => {
    indexes.set(file, indexes.size);
    lowest.set(file, indexes.get(file));
    stack.push(file);
    for (const target of graph.get(file)) {
      if (!indexes.has(target)) visit(target);
      if (stack.includes(target)) lowest.set(file, Math.min(lowest.get(file), lowest.get(target)));
    }
    if (lowest.get(file) !== indexes.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    if (circle.length > 1) found.push(circle);
  };
  for (const file of graph.keys()) if (!indexes.has(file)) visit(file);
  return found;
}
