import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { VmScratch } from "../vm/vm-scratch.js";
import { programs, RunningGateway } from "../doors/e2b/running.js";
import { outliveDeaths } from "./deaths.js";

/** The programs that these tests install; they stay for the next run. */
const cache = fileURLToPath(new URL("../../../.test-e2b/", import.meta.url));
const CLI = "2.19.0";
/** The Python SDKs that programs are run with: one of February 2026, the first ones with E2B_SANDBOX_URL behind them, and the newest that is known. */
const pythons = [
  { name: "old", packages: ["e2b==2.34.0"], programs: ["sync", "async"] },
  { name: "new", packages: ["e2b==2.63.0", "e2b-code-interpreter==2.11.5"], programs: ["sync", "async", "code"] },
] as const;
const javascript = [
  "tour",
  "code",
  "two",
  "paging",
  "links",
  "agent",
  "watch",
  "branches",
  "reboot",
  "build",
  "speed",
] as const;

let [passed, failed] = [0, 0];

/** Runs a program, and reports whether it ended as it should. */
async function check(
  name: string,
  work: () => Promise<{ status: number | null; stdout: string; stderr: string }>,
  wanted: RegExp,
) {
  const start = performance.now();
  const { status, stdout, stderr } = await work();
  const isRight = status === 0 && wanted.test(stdout);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(
    `${isRight ? "ok" : "not ok"} ${name} (${seconds} s)${name.endsWith("speed.mjs") ? `: ${stdout.split("\n")[0]}` : ""}\n`,
  );
  if (!isRight) process.stdout.write(`${stdout}${stderr}\n`);
  if (isRight) passed += 1;
  else failed += 1;
}

function install(program: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(program, args, { cwd: cache, encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
}

function prepare(): void {
  mkdirSync(cache, { recursive: true });
  if (!existsSync(join(cache, "node_modules/.bin/e2b"))) {
    writeFileSync(join(cache, "package.json"), JSON.stringify({ private: true }));
    install("npm", ["install", "--no-fund", "--no-audit", "--loglevel=error", `@e2b/cli@${CLI}`]);
  }
  for (const { name, packages } of pythons) {
    if (existsSync(join(cache, name, "installed"))) continue;
    install("python3", ["-m", "venv", name]);
    install(join(cache, name, "bin/pip"), ["install", "--quiet", ...packages]);
    writeFileSync(join(cache, name, "installed"), "");
  }
}

/** Twelve programs with npm's SDK, five with PyPI's, E2B's own command, fifty sandboxes at once, and deaths in the middle of streams. */
async function main(): Promise<void> {
  prepare();
  await using scratch = new VmScratch();
  {
    await using gateway = await RunningGateway.open(scratch);
    const templates = { small: { environment: "debian:12", mem_mib: 256 } };
    writeFileSync(join(scratch.home, "e2b", "templates.json"), JSON.stringify(templates));
    for (const name of javascript) {
      const program = join(programs, `${name}.mjs`);
      await check(`${name}.mjs`, () => gateway.run(process.execPath, [program]), new RegExp(`^${name} done$`, "m"));
    }
    for (const python of pythons) {
      for (const name of python.programs) {
        const program = join(programs, `${name}.py`);
        const work = () => gateway.run(join(cache, python.name, "bin/python"), [program]);
        await check(`${name}.py, ${python.packages[0]}`, work, new RegExp(`^${name} done$`, "m"));
      }
    }
    const cli = join(cache, "node_modules/.bin/e2b");
    await check("e2b sandbox list", () => gateway.run(cli, ["sandbox", "list"]), /No sandboxes found/);
    await check("fifty sandboxes", () => gateway.run(process.execPath, [join(programs, "many.mjs")]), /^many done$/m);
  }
  await outliveDeaths(scratch, async (name, work) => {
    await check(
      name,
      async () => {
        try {
          await work();
          return { status: 0, stdout: "", stderr: "" };
        } catch (error) {
          return { status: 1, stdout: "", stderr: String((error as Error).stack) };
        }
      },
      /^/,
    );
  });
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed > 0 ? 1 : 0;
}

await main();
