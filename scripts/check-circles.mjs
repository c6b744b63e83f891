// Fails when modules import each other in a circle. Imports of types count too, which the linter's rule does not see.
import { readPythonImports, readTypescriptImports } from "./import-graph.mjs";

const circles = [readTypescriptImports("src"), readPythonImports("python/pyro_mcp")].flatMap(findCircles);
for (const circle of circles) process.stderr.write(`These files import each other: ${circle.toSorted().join(", ")}\n`);
if (circles.length > 0) {
  process.stderr.write("Move what they share into a file of its own.\n");
  process.exit(1);
}

/** Each largest set of files in which every file reaches every other one (Tarjan's strongly connected components). */
function findCircles(graph) {
  const [indexes, lowest, stack, found] = [new Map(), new Map(), [], []];
  const visit = (file) => {
    indexes.set(file, indexes.size);
    lowest.set(file, indexes.get(file));
    stack.push(file);
    for (const target of graph.get(file).filter((name) => graph.has(name))) {
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
