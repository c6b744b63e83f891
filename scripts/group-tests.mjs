// Takes a directory and compiled test files, and prints the files to run in their place, so that fewer processes start and load the same
// modules: each entry that it writes into the directory imports several neighbouring files, whose tests run one after the other. A file
// runs alone if it has hooks, which node:test would run for the tests of the other files too, or if it measures its whole process.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** Larger groups save no more time, and leave fewer processes to run at once. */
const FILES_AT_MOST = 8;
const RUNS_ALONE = /^(?:before|after)(?:Each)?\(|\bopenDescriptors\b|\bmemoryUsage\b|\/proc\/self\/fd/m;

const [directory, ...files] = process.argv.slice(2);
rmSync(directory, { recursive: true, force: true });
mkdirSync(directory, { recursive: true });
const alone = files.filter((file) => RUNS_ALONE.test(readFileSync(file, "utf8")));
const shared = files.filter((file) => !alone.includes(file));
const entries = [];
for (let first = 0; first < shared.length; first += FILES_AT_MOST) {
  const imports = shared.slice(first, first + FILES_AT_MOST).map((file) => pathToFileURL(resolve(file)).href);
  const entry = join(directory, `${String(entries.length + 1).padStart(2, "0")}.mjs`);
  writeFileSync(entry, imports.map((url) => `import ${JSON.stringify(url)};\n`).join(""));
  entries.push(entry);
}
for (const file of [...entries, ...alone]) process.stdout.write(`${file}\n`);
