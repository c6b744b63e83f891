import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
let project: string;

/** The package's manifest and the declarations that are published with it. */
function publishedTypes(): string[] {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const [packed] = JSON.parse(
    execFileSync("npm", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }),
  );
  const paths: string[] = packed.files.map(({ path }: { path: string }) => path);
  return paths.filter((path) => path === "package.json" || path.endsWith(".d.ts"));
}

/** A user's project that contains the published files of the package. */
before(() => {
  project = mkdtempSync(join(tmpdir(), "pt-types-"));
  const installed = join(project, "node_modules", "pyro-mcp");
  for (const file of publishedTypes()) cpSync(join(root, file), join(installed, file), { recursive: true });
  writeFileSync(join(project, "package.json"), '{"type":"module"}');
  writeFileSync(
    join(project, "program.ts"),
    `import { Pyro, PyroError, sh, type Task, type RunResult } from "pyro-mcp";

async function main(): Promise<void> {
  const pyro = new Pyro();
  const { exitCode }: RunResult = await pyro.runInVm("debian:12", { command: ["git", "--version"], memMib: 512 });
  await using task: Task = await pyro.createTask("debian:12");
  for await (const { stream, text } of task.$({ timeoutSeconds: 60 })\`git clone \${"url"}\`) void [stream, text];
  const result = await task.exec(sh\`echo \${exitCode}\`, { stdin: "x", env: { A: "b" }, signal: new AbortController().signal });
  const code: number | null = result.exitCode;
  // @ts-expect-error -- there is no such option.
  await task.exec("true", { timeout: code ?? 0 });
}
main().catch((error: unknown) => error instanceof PyroError && error.code === "HOST_NOT_ABLE");
`,
  );
  writeFileSync(join(project, "required.cts"), 'import { Pyro } from "pyro-mcp";\nexport const pyro = new Pyro();\n');
});
after(() => rmSync(project, { recursive: true }));

const strict = { strict: true, noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true };
const projects = {
  "Node.js": { module: "nodenext", target: "es2022", types: ["node"] },
  "Node.js 16's rules": { module: "node16", moduleResolution: "node16", target: "es2022", types: ["node"] },
  "a bundler": { module: "preserve", moduleResolution: "bundler", target: "esnext", lib: ["esnext", "dom"], types: [] },
  "Bun, as it sets projects up": {
    ...{ module: "preserve", moduleResolution: "bundler", target: "esnext", lib: ["esnext"], types: ["bun"] },
    ...{ moduleDetection: "force", allowImportingTsExtensions: true, verbatimModuleSyntax: true, skipLibCheck: true },
    ...{ noUncheckedIndexedAccess: true, noImplicitOverride: true, noFallthroughCasesInSwitch: true },
  },
  "no types of a runtime at all": { module: "nodenext", target: "es2022", lib: ["es2022", "dom"], types: [] },
};

for (const [name, options] of Object.entries(projects)) {
  test(`a program compiles for ${name}`, () => {
    // Node.js 20.19 can require an ES module; the rules of Node.js 16 and of bundlers know no such file.
    const files = options.module === "nodenext" ? ["program.ts", "required.cts"] : ["program.ts"];
    const compilerOptions = { ...strict, typeRoots: [join(root, "node_modules", "@types")], ...options };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    const tsc = join(root, "node_modules", ".bin", "tsc");
    const { status, stdout, stderr } = spawnSync(tsc, ["-p", project], { encoding: "utf8" });
    assert.equal(status, 0, stdout + stderr);
  });
}
