import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { pyroPath } from "../client/scratch.js";
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

/** Each test file in Python with the real framework, in a home of its own that must be empty at its end. */
async function main(): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const python = preparePython();
  const failed: string[] = [];
  const files = readdirSync(tests).filter(
    (name) => name.startsWith("test_") && wanted.every((part) => name.includes(part)),
  );
  for (const file of files) {
    await using scratch = new VmScratch();
    const env = {
      ...scratch.env,
      PYRO_EXECUTABLE: pyroPath,
      PYTHONPATH: `${join(root, "python")}:${plugins}`,
      PYTHONDONTWRITEBYTECODE: "1",
    };
    const works = await succeeds(python, ["-m", "pytest", "-q", "-p", "no:cacheprovider", join(tests, file)], env);
    if (!works || scratch.taskIds().length > 0) failed.push(file);
  }
  process.stdout.write(`${files.length - failed.length} passed, ${failed.length} failed\n`);
  for (const file of failed) process.stdout.write(`failed: ${file}\n`);
  process.exitCode = failed.length > 0 || files.length === 0 ? 1 : 0;
}

await main();
