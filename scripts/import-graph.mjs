// The imports of source files, those of types included: the input of the checks of walls and circles.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const typescript = /(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"]+)"/g;
const python = /^[ \t]*from[ \t]+(?:\.|pyro_mcp\.)(\w+)[ \t]+import\b/gm;
const pythonModules = /^[ \t]*from[ \t]+(?:\.|pyro_mcp)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)/gm;

/** The TypeScript files below a directory, each with the modules that it names; files are named by their path. */
export function readTypescriptImports(directory) {
  return readImports(directory, ".ts", (file, text) =>
    [...text.matchAll(typescript)].map(([, name]) =>
      name.startsWith(".") ? normalize(join(dirname(file), name)).replace(/\.js$/, ".ts") : name,
    ),
  );
}

/** The same of a Python package, whose modules import each other by name. */
export function readPythonImports(directory) {
  return readImports(directory, ".py", (file, text) => {
    const names = [...text.matchAll(pythonModules)].flatMap(([, list]) => list.match(/\w+/g) ?? []);
    return [...[...text.matchAll(python)].map(([, name]) => name), ...names].map((name) =>
      join(dirname(file), `${name}.py`),
    );
  });
}

function readImports(directory, extension, importsOf) {
  const files = readdirSync(directory, { recursive: true })
    .filter((name) => name.endsWith(extension))
    .map((name) => join(directory, name));
  const imports = new Map(files.map((file) => [file, importsOf(file, readFileSync(file, "utf8"))]));
  if ([...imports.values()].flat().length === 0) throw new Error(`No imports were found in ${directory}.`);
  return imports;
}
