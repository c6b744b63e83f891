// Puts the executable's main module and all that it imports into one file, dist/src/start.cjs, since Node.js takes half a millisecond for
// each file that it loads (docs/decisions/0075). The file of a module in it exports what start.cjs has: no process has a module twice.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { build } from "esbuild";

const SOURCES = resolve("src");
const OUTPUT = resolve("dist/src");
const MAIN = "pyro.ts";
/** The modules that start.cjs had after the last build. */
const LIST = "dist/start.json";
const options = {
  absWorkingDir: SOURCES,
  outdir: OUTPUT,
  format: "esm",
  platform: "node",
  target: "node20.19",
  write: false,
  metafile: true,
};

const files = Object.keys((await bundle({ entryPoints: [MAIN] })).metafile.inputs);
const exported = await readExports(files);
const names = files.map((file, index) =>
  exported.get(file).map((name) => ({ name, inStart: file === MAIN ? name : `${name}_${index}` })),
);
const contents = files.map((file, index) => {
  const list = names[index].map(({ name, inStart }) => `${name} as ${inStart}`);
  return renderExport(list, pathFrom(".", file));
});
const start = await bundle({ stdin: { contents: contents.join(""), resolveDir: SOURCES }, format: "cjs" });
writeFileSync(join(OUTPUT, "start.cjs"), start.outputFiles[0].contents);
for (const [index, file] of files.entries()) {
  writeFileSync(outputOf(file), renderModule(names[index], pathFrom(dirname(file), "start.cjs")));
}
await restore(readList().filter((file) => !files.includes(file) && existsSync(join(SOURCES, file))));
writeFileSync(LIST, JSON.stringify(files));

/** Bundles all but modules that are loaded on demand, which stay files of their own. */
function bundle(more) {
  return build({ ...options, bundle: true, plugins: [{ name: "start", setup }], ...more });
}

function setup({ onResolve, onLoad }) {
  onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) =>
    kind === "dynamic-import"
      ? { path: pathFrom(".", relative(SOURCES, join(resolveDir, path))), external: true }
      : undefined,
  );
  // A module finds its data beside its own file.
  onLoad({ filter: /\.ts$/ }, ({ path }) => {
    const file = `require("node:path").join(__dirname, "${relative(SOURCES, path)}")`;
    const url = `require("node:url").pathToFileURL(${file}).href`;
    return { contents: readFileSync(path, "utf8").replaceAll("import.meta.url", url), loader: "ts" };
  });
}

/** The names that each file exports. */
async function readExports(entryPoints) {
  const { metafile } = await build({ ...options, entryPoints });
  return new Map(Object.values(metafile.outputs).map(({ entryPoint, exports }) => [entryPoint, exports]));
}

/** Compiles modules that have left start.cjs: the compiler does not write a file again whose source has not changed. */
async function restore(entryPoints) {
  if (entryPoints.length > 0) await build({ ...options, entryPoints, outbase: SOURCES, write: true });
}

function readList() {
  return existsSync(LIST) ? JSON.parse(readFileSync(LIST, "utf8")) : [];
}

function outputOf(file) {
  return join(OUTPUT, file.replace(/\.ts$/, ".js"));
}

function renderExport(list, from) {
  return `export { ${list.join(", ")} } from "${from}";\n`;
}

/** Required, not imported: Node.js takes 20 ms to find out what a CommonJS file of this size exports. */
function renderModule(list, start) {
  const pairs = list.map(({ name, inStart }) => (name === inStart ? name : `${inStart}: ${name}`));
  return `import { createRequire } from "node:module";
export const { ${pairs.join(", ")} } = createRequire(import.meta.url)("${start}");
`;
}

/** A path as an import names it. */
function pathFrom(directory, file) {
  const path = relative(directory, file);
  return path.startsWith(".") ? path : `./${path}`;
}
