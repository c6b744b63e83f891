import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { pyroPath } from "../client/scratch.js";
import { snippetsIn } from "../docs/snippets.js";
import { VmScratch } from "../vm/vm-scratch.js";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const tests = join(root, "test", "plugins");
const plugins = join(root, "examples", "plugins");
/** The frameworks that these tests install, outside the checkout; they stay for the next run. */
const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "pyro-plugins");
const wanted = process.argv.slice(2);

function run(program: string, args: readonly string[], cwd = cache): void {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stdout}${stderr}`);
}

/** Installs what the tests in Python need, once for each list of versions. */
function preparePython(): string {
  const pins = readFileSync(join(tests, "requirements.txt"), "utf8");
  const stamp = join(cache, "requirements.txt");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== pins) {
    run("python3", ["-m", "venv", "--clear", "python"]);
    run(join(cache, "python", "bin", "pip"), ["install", "-q", "--no-deps", "-r", join(tests, "requirements.txt")]);
    writeFileSync(stamp, pins);
  }
  return join(cache, "python", "bin", "python");
}

/** Installs the packages of the tests in TypeScript, and compiles these with the plug-ins and the snippets of their page. Returns where the tests are. */
function prepareTypeScript(): string {
  const project = join(cache, "typescript");
  mkdirSync(project, { recursive: true });
  const wantedPackages = readFileSync(join(tests, "package.json"), "utf8");
  const stamp = join(project, "installed.json");
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wantedPackages) {
    writeFileSync(join(project, "package.json"), wantedPackages);
    run("npm", ["install", "--no-fund", "--no-audit", "--loglevel=error"], project);
    writeFileSync(stamp, wantedPackages);
  }
  for (const folder of ["sources", "compiled"]) rmSync(join(project, folder), { recursive: true, force: true });
  mkdirSync(join(project, "sources"));
  for (const folder of [plugins, tests]) {
    for (const name of readdirSync(folder).filter((name) => name.endsWith(".ts") && name !== "main.ts")) {
      cpSync(join(folder, name), join(project, "sources", name));
    }
  }
  const page = snippetsIn("ts").filter(({ page }) => page === "docs/plugins.md");
  for (const [index, { text }] of page.entries()) {
    writeFileSync(join(project, "sources", `snippet-${index}.ts`), text);
  }
  const link = join(project, "node_modules", "pyro-mcp");
  rmSync(link, { force: true });
  symlinkSync(root, link);
  const compilerOptions = {
    ...{ strict: true, noUncheckedIndexedAccess: true, skipLibCheck: true, target: "es2022", module: "nodenext" },
    ...{ lib: ["esnext", "dom"], rootDir: "sources", outDir: "compiled" },
    ...{ types: ["node"], typeRoots: [join(root, "node_modules", "@types")] },
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["sources"] }));
  run(join(root, "node_modules", ".bin", "tsc"), ["-p", project]);
  return join(project, "compiled");
}

/** Runs a program with a home's variables and its output on the terminal; true if it succeeds. */
function succeeds(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  const child = spawn(program, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (status) => resolve(status === 0));
  });
}

/** Each test file with the real framework, in a home of its own that must be empty at its end. */
async function main(): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const files = readdirSync(tests)
    .filter((name) => /^test_.*\.py$|\.test\.ts$/.test(name))
    .filter((name) => wanted.every((part) => name.includes(part)));
  const python = files.some((name) => name.endsWith(".py")) ? preparePython() : "";
  const compiled = files.some((name) => name.endsWith(".ts")) ? prepareTypeScript() : "";
  const failed: string[] = [];
  for (const file of files) {
    await using scratch = new VmScratch();
    const [program, ...args] = file.endsWith(".py")
      ? [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", join(tests, file)]
      : [process.execPath, "--test", "--test-reporter=spec", join(compiled, file.replace(/ts$/, "js"))];
    const env = {
      ...scratch.env,
      PYRO_EXECUTABLE: pyroPath,
      PYTHONPATH: `${join(root, "python")}:${plugins}`,
      PYTHONDONTWRITEBYTECODE: "1",
    };
    if (!(await succeeds(program!, args, env)) || scratch.taskIds().length > 0) failed.push(file);
  }
  process.stdout.write(`${files.length - failed.length} passed, ${failed.length} failed\n`);
  for (const file of failed) process.stdout.write(`failed: ${file}\n`);
  process.exitCode = failed.length > 0 || files.length === 0 ? 1 : 0;
}

await main();
