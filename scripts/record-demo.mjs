// Runs the commands of the README's picture with the real program and writes what they print, with times, to docs/demo.json.
// `npm run demo:record` uses the environments of PYRO_HOME; `npm run docs` then draws docs/demo.svg from the file.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const commands = [
  "pyro run debian:12 -- uname -sr",
  "pyro task create debian:12 --source-path app --name fix -q",
  "pyro task try fix --variant 'sed -i s/Helo/Hola/ hi.py' --variant 'sed -i s/Helo/Hello/ hi.py' \\\n    --check 'python3 hi.py | grep Hello' --keep first-passing",
  "pyro task diff fix",
  "pyro task sync pull fix",
  "pyro task sync undo fix",
];

const project = mkdtempSync(join(tmpdir(), "pyro-demo-"));
try {
  mkdirSync(join(project, "app"));
  writeFileSync(join(project, "app", "hi.py"), 'name = "Ada"\nprint("Helo,", name)\n');
  // The picture shows the time of everyday commands, so the template is made and a first VM has run before it.
  await run("pyro run debian:12 -- true");
  const steps = [];
  for (const command of commands) steps.push(await run(command));
  const recorded = { recorded_at: new Date().toISOString(), steps };
  writeFileSync(join(root, "docs", "demo.json"), `${JSON.stringify(recorded, null, 2)}\n`);
} finally {
  await run("pyro task delete fix");
  rmSync(project, { recursive: true });
}

/** Runs one line of shell in the project; resolves to what it printed, each piece with its time. */
function run(command) {
  const startedMs = performance.now();
  const child = spawn("sh", ["-c", command], {
    cwd: project,
    env: { ...process.env, PATH: `${join(root, "bin")}${delimiter}${process.env.PATH}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text) => output.push({ at_ms: elapsedMs(), text }));
  }
  const elapsedMs = () => Math.round(performance.now() - startedMs);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      if (status !== 0) process.stderr.write(`record: \`${command}\` ended with ${status}.\n`);
      resolve({ command, status, duration_ms: elapsedMs(), output });
    });
  });
}
