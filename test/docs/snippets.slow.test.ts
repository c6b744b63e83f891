import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";

import { parse } from "smol-toml";
import type { z } from "zod";

import { mcpClients } from "../../src/contract/mcp-clients.js";
import { operations } from "../../src/contract/operations.js";
import { readContract } from "../../src/contract/rendered.js";
import { buildCommands } from "../../src/doors/cli/commands.js";
import { findCommand } from "../../src/doors/cli/find-command.js";
import { findFlag } from "../../src/doors/cli/flags.js";
import { configure } from "../../src/doors/mcp/config/configure.js";
import { commandsOf, root, snippets, snippetsIn, userPages } from "./snippets.js";

test("every snippet is in a language that is tested", () => {
  assert.ok(snippets.length >= 35, `${snippets.length} snippets`);
  const languages = new Set(snippets.map(({ language }) => language));
  assert.deepEqual([...languages].toSorted(), ["console", "ini", "json", "python", "sh", "text", "toml", "ts"]);
  for (const { text, place } of snippetsIn("text")) assert.doesNotMatch(text, /\bpyro [a-z]/, place);
});

test("no page has a block of code without a language, or by indentation, which no test would see", () => {
  const pages = userPages.filter((page) => !/public-contract|architecture/.test(page));
  assert.ok(pages.length >= 25, `${pages.length} pages`);
  for (const page of pages) {
    const outside = readFileSync(join(root, page), "utf8").replaceAll(/^```\w+\n[^]*?^```$/gm, "");
    assert.doesNotMatch(outside, /^```/m, page);
    assert.doesNotMatch(outside, /(?:^|\n)\n {4}(?![-*\d])\S/, page);
  }
});

test("each command line of the contract's page is one that the CLI takes", () => {
  const commands = buildCommands(readContract());
  const lines = readFileSync(join(root, "docs/public-contract.md"), "utf8").match(/^ {4}pyro .*/gm) ?? [];
  assert.ok(lines.length >= 50, `${lines.length} lines`);
  for (const line of lines) {
    const command = findCommand(commands, line.trim().split(" ").slice(1));
    assert.ok(command, line);
    for (const [flag] of line.matchAll(/--[a-z][a-z-]*/g)) assert.ok(findFlag(command, flag), line);
    const positionals = line.replaceAll(/\[--[^\]]*\]/g, "").match(/(?<= )\[?[A-Z_]+…?\]?(?= |$)/g) ?? [];
    assert.equal(positionals.length, command.positionals.length + (command.rest ? 1 : 0), line);
  }
});

test("a unit of systemd has known sections and calls a command of pyro", () => {
  const blocks = snippetsIn("ini");
  assert.ok(blocks.length >= 1);
  for (const { text, place } of blocks) {
    for (const line of text.split("\n"))
      assert.match(line, /^(?:#.*|\[(?:Unit|Service|Install)\]|[A-Z]\w+=.+|)$/, place);
    const words = /\/pyro (.*)$/m.exec(text)?.[1]?.split(" ") ?? [];
    const command = findCommand(buildCommands(readContract()), words);
    assert.ok(command, place);
    for (const flag of words.filter((word) => word.startsWith("-"))) assert.ok(findFlag(command, flag), place);
  }
});

test("the install page names the packages that the set-up installs", () => {
  const [, wanted = ""] = /^packages="(.*)"$/m.exec(readFileSync(join(root, "scripts/setup.sh"), "utf8")) ?? [];
  const install = snippetsIn("sh").find(({ page }) => page === "docs/install.md");
  const named = (install?.text ?? "").split(/[\s\\]+/).filter((word) => /^[a-z]/.test(word));
  const words = new Set(["apt-get", "install"]);
  assert.deepEqual(named.filter((word) => !words.has(word)).toSorted(), wanted.split(" ").toSorted());
});

/** Kinds of projects, and the name of a snippet's file in each. */
const projects = {
  bundler: { file: "ts", module: "preserve", moduleResolution: "bundler" },
  "node16, an ES module": { file: "mts", module: "node16", moduleResolution: "node16" },
  nodenext: { file: "ts", module: "nodenext", moduleResolution: "nodenext" },
  "node16, CommonJS": { file: "cts", module: "node16", moduleResolution: "node16" },
  "nodenext, CommonJS": { file: "cts", module: "nodenext", moduleResolution: "nodenext" },
} as const;

test("TypeScript snippets compile as they are printed, under strict, for bundlers and Node.js", async (t) => {
  const project = mkdtempSync(join(tmpdir(), "pt-docs-"));
  t.after(() => rmSync(project, { recursive: true }));
  const installed = join(project, "node_modules", "pyro-mcp");
  mkdirSync(installed, { recursive: true });
  cpSync(join(root, "package.json"), join(installed, "package.json"));
  cpSync(join(root, "dist", "src"), join(installed, "dist", "src"), { recursive: true });
  writeFileSync(join(project, "package.json"), '{"type":"module"}');
  // `make test-plugins` compiles those of the plug-ins, with the frameworks.
  const blocks = snippetsIn("ts").filter(({ page }) => page !== "docs/plugins.md");
  assert.ok(blocks.length >= 3);
  for (const [name, { file, ...options }] of Object.entries(projects)) {
    // CommonJS has no top-level await, so it is meant only for programs that await within a function.
    const meant = blocks.filter(({ text }) => file !== "cts" || !/^(?:await|const .*= await|for await)/m.test(text));
    assert.ok(meant.length >= 1, name);
    const files = meant
      .filter(({ text }) => file !== "cts" || !text.startsWith("import "))
      .map(({ text, place }, index) => {
        const path = `${file}-${index}.${file}`;
        writeFileSync(join(project, path), `// ${place}\n${text}${/^import /m.test(text) ? "" : "export {};\n"}`);
        return path;
      });
    const types = { types: ["node"], typeRoots: [join(root, "node_modules", "@types")] };
    const compilerOptions = { strict: true, noEmit: true, target: "esnext", ...types, ...options };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    const tsc = join(root, "node_modules", ".bin", "tsc");
    const { status, stdout, stderr } = spawnSync(tsc, ["-p", project], { encoding: "utf8" });
    assert.equal(status, 0, `${name}: ${stdout}${stderr}`);
  }
});

test("the package can be required", () => {
  const script = 'const { Pyro, PyroError } = require("pyro-mcp"); console.log(typeof Pyro, typeof PyroError)';
  const words = ["--no-warnings", "--input-type=commonjs", "-e", script];
  const { stdout, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: "utf8" });
  assert.equal(stdout, "function function\n", stderr);
});

test("Python plug-ins compile, and each plug-in has its place in its page", () => {
  const folder = join(root, "examples", "plugins");
  const page = readFileSync(join(root, "docs", "plugins.md"), "utf8");
  const names = readdirSync(folder);
  assert.ok(names.length >= 2);
  for (const name of names) {
    const text = readFileSync(join(folder, name), "utf8");
    assert.match(text, /^(?:#|\/\/) .*docs\/plugins\.md/, name);
    assert.ok(page.includes(`(../examples/plugins/${name})`), name);
    if (!name.endsWith(".py")) continue;
    const words = ["-c", "import sys; compile(sys.stdin.read(), sys.argv[1], 'exec')", name];
    const { status, stderr } = spawnSync("python3", words, { input: text, encoding: "utf8" });
    assert.equal(status, 0, stderr);
  }
});

test("Python snippets compile", () => {
  for (const { place, text } of snippetsIn("python")) {
    const words = ["-c", "import sys; compile(sys.stdin.read(), sys.argv[1], 'exec')", place];
    const { status, stderr } = spawnSync("python3", words, { input: text, encoding: "utf8" });
    assert.equal(status, 0, stderr);
  }
});

test("shell snippets are whole commands of bash", () => {
  const blocks = snippetsIn("sh", "console");
  assert.ok(blocks.length >= 20);
  for (const snippet of blocks) {
    const { status, stderr } = spawnSync("bash", ["-n"], { input: commandsOf(snippet), encoding: "utf8" });
    assert.equal(status, 0, `${snippet.place}: ${stderr}`);
  }
});

test("JSON and TOML snippets can be parsed; an answer has the fields of its operation", () => {
  for (const { place, text, language } of snippetsIn("json", "toml")) {
    const value = language === "toml" ? parse(text) : (JSON.parse(text) as object);
    if (!("vm_id" in value) || "event" in value) continue;
    const { shape } = operations["vm.run"].output as z.ZodObject;
    const always = Object.keys(shape).filter((name) => !(shape[name] as z.ZodType).safeParse(undefined).success);
    assert.deepEqual(Object.keys(value).toSorted(), always.toSorted(), place);
  }
});

test("each client's page shows the output of `pyro mcp config`", async () => {
  for (const client of mcpClients) {
    const printed = await configure({ client, write: false, file: null }, { PATH: `${root}bin` });
    const page = snippetsIn("json", "toml").find(({ page }) => basename(page) === `${client}.md`);
    const shown = page?.language === "toml" ? parse(page.text) : (JSON.parse(page?.text ?? "null") as unknown);
    const value = page?.language === "toml" ? parse(printed) : (JSON.parse(printed) as unknown);
    assert.deepEqual(shown, value, client);
  }
});

test("each example says how it is run from a checkout", () => {
  const { stdout } = spawnSync("git", ["ls-files", "examples"], { cwd: root, encoding: "utf8" });
  const all = stdout.split("\n").filter((path) => /\.(?:ts|py)$/.test(path));
  const programs = all.filter((path) => !path.startsWith("examples/plugins/"));
  assert.ok(programs.length >= 10);
  for (const path of programs) {
    const { stdout: head } = spawnSync("head", ["-n", "1", path], { cwd: root, encoding: "utf8" });
    assert.ok(
      head.includes("make setup") && head.includes(path.replace(/^examples(.*)\.ts$/, "dist/examples$1.js")),
      path,
    );
  }
});
