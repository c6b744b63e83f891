// Fails when a file of src/ imports from a folder that its own folder may not know. Imports of types count too.
import { readFileSync } from "node:fs";

import { readTypescriptImports } from "./import-graph.mjs";

/** The folders that each folder of src/ may import besides itself. The last column of the table in docs/architecture/folders.md has the same. */
const walls = {
  contract: [],
  host: ["contract"],
  workspace: ["contract"],
  archive: ["contract"],
  guest: ["contract", "host"],
  environments: ["archive", "contract", "host"],
  toolchain: ["contract", "environments", "host"],
  backend: ["contract", "environments", "guest", "host", "toolchain"],
  store: ["contract", "host", "workspace"],
  core: ["archive", "backend", "contract", "environments", "guest", "host", "store", "toolchain", "workspace"],
  daemon: ["contract", "core", "host"],
  client: ["archive", "contract", "host", "workspace"],
  bench: ["client", "contract", "host"],
  "doors/cli": ["bench", "client", "contract"],
  "doors/e2b": ["client", "contract", "host"],
  "doors/mcp": ["client", "contract"],
  "doors/sdk": ["client", "contract"],
};
/** Only host/ touches processes, sockets and files; the build writes and reads the rendered contract. */
const walledModules = ["node:child_process", "node:fs", "node:fs/promises", "node:http", "node:net"];
const mayTouch = ["src/contract/render.ts", "src/contract/rendered.ts"];
/** The one place where a door may import another: the SDK can start the MCP server. */
const opening = ["src/doors/sdk/server.ts", "src/doors/mcp/server.ts"];

const faults = [...readTypescriptImports("src")].flatMap(([path, imports]) => {
  const file = path.slice("src/".length);
  const folder = folderOf(file);
  // The package's entry and the executable lie in no folder: they know every door.
  if (folder === null) return [];
  const allowed = [folder, ...walls[folder]];
  const strangers = imports
    .filter((name) => name.startsWith("src/") && !allowed.includes(folderOf(name.slice("src/".length))))
    .filter((name) => path !== opening[0] || name !== opening[1]);
  const touched =
    folder === "host" || mayTouch.includes(path) ? [] : imports.filter((name) => walledModules.includes(name));
  return [
    ...strangers.map((name) => `${path} imports ${name}, but ${folder}/ may import ${renderList(walls[folder])}.`),
    ...touched.map((name) => `${path} imports ${name}, but only host/ touches processes, sockets and files.`),
  ];
});
for (const [folder, may] of Object.entries(walls)) {
  const told = toldBy(readFileSync("docs/architecture/folders.md", "utf8"), folder);
  if (told !== null && told !== renderList(may)) {
    faults.push(`folders.md says that ${folder}/ may import ${told}; it may import ${renderList(may)}.`);
  }
}
for (const fault of faults) process.stderr.write(`${fault}\n`);
process.exitCode = faults.length > 0 ? 1 : 0;

/** The folder with walls of its own that a file lies in; null for files directly in src/. */
function folderOf(file) {
  const [first, second] = file.split("/");
  if (second === undefined) return null;
  const inner = `${first}/${second}`;
  const folder = inner in walls ? inner : first;
  if (!(folder in walls))
    throw new Error(`scripts/check-walls.mjs does not know the folder src/${folder}/ of ${file}.`);
  return folder;
}

function renderList(folders) {
  return folders.length === 0 ? "nothing of ours" : folders.join(", ");
}

/** The folders that the table of folders.md says this folder may import; null when the table has no row for it. */
function toldBy(page, folder) {
  const row = page.split("\n").find((line) => line.startsWith(`| \`src/${folder}/\` |`));
  return row?.split("|").at(-2).trim() ?? null;
}
