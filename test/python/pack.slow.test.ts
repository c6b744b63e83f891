import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import type { PackOptions } from "../../src/client/pack/options.js";
import { packSource } from "../../src/client/pack/pack.js";
import type { PackReport } from "../../src/client/pack/report.js";
import { PyroError } from "../../src/contract/errors.js";
import { anyPlan, plantAny } from "../archive/any-tree.js";
import { type Facts, factsOfArchive, ScratchDirectory } from "../archive/trees.js";
import { joined } from "../client/joined.js";
import { layOutLinkedProject, makeVirtualEnvironment } from "../client/linked-project.js";
import { layOutRepositories } from "../client/repositories.js";
import { fc } from "../property.js";
import { pythonPath } from "./run.js";

const WRITER_PROCESS = fileURLToPath(new URL("../client/writer-process.js", import.meta.url));

type Options = Pick<PackOptions, "exclude" | "include" | "links" | "gitTracked" | "withGit">;

/** The output of a packer: everything that the daemon and the caller get. */
type Packed =
  | { readonly facts: Facts; readonly entries: unknown; readonly report: unknown }
  | { readonly error: unknown };

const script = `
import json, sys
from pyro_mcp import PyroError
from pyro_mcp._pack import open_source
path, options = json.loads(sys.argv[1])
try:
    source = open_source(path, **options)
    source.send(sys.stdout.buffer.write)
    answer = {"excluded": source.excluded, "bytes": source.content_bytes, "kind": source.kind, **source.report()}
except PyroError as error:
    answer = {"error": [error.code, error.message, error.hint, error.details]}
print(json.dumps(answer), file=sys.stderr)`;

async function packInPython(path: string, { gitTracked, withGit, ...others }: Options): Promise<Packed> {
  const options = { ...others, ...(gitTracked && { git_tracked: true }), ...(withGit && { with_git: true }) };
  const env = { ...process.env, PYTHONPATH: pythonPath, PYTHONDONTWRITEBYTECODE: "1" };
  const child = spawn("python3", ["-c", script, JSON.stringify([path, options])], { env });
  const closed = once(child, "close");
  const [bytes, said] = await Promise.all([joined(child.stdout), joined(child.stderr), closed]);
  const {
    error,
    excluded,
    bytes: contentBytes,
    kind,
    ...report
  } = JSON.parse(said.toString()) as Record<string, unknown>;
  if (error !== undefined) return { error };
  return { facts: await factsOfArchive(bytes, undefined, true), entries: [kind, excluded, contentBytes], report };
}

async function packInTypeScript(path: string, options: Options): Promise<Packed> {
  try {
    const { stream, kind, excludedCount, contentBytes, report } = await packSource(path, options);
    const facts = await factsOfArchive(await joined(stream), undefined, true);
    return { facts, entries: [kind, excludedCount, contentBytes], report: report() };
  } catch (error) {
    assert.ok(error instanceof PyroError, String(error));
    return { error: [error.code, error.message, error.hint, error.details] };
  }
}

/** Trees for both packers, with the options to try on each. */
const trees: Record<string, [layOut: (root: string) => string | void, ...options: Options[]]> = {
  "one of everything": [
    (root) => {
      mkdirSync(join(root, "sub/empty"), { recursive: true });
      writeFileSync(join(root, "sub/run.sh"), "#!/bin/sh\n", { mode: 0o755 });
      writeFileSync(join(root, "größe 🙂\n"), "x".repeat(300_000));
      linkSync(join(root, "sub/run.sh"), join(root, "again"));
      symlinkSync("sub/run.sh", join(root, "link"));
      truncateSync(join(root, "größe 🙂\n"), 2_000_000);
      utimesSync(join(root, "sub/run.sh"), 1, 1_234_567_890.25);
      lutimesSync(join(root, "link"), 1, -5);
      chmodSync(join(root, "sub/empty"), 0o700);
    },
    {},
    { exclude: ["sub/*", "größe*"], include: ["run.sh"] },
  ],
  "files with holes": [
    (root) => {
      for (const [name, size, data] of [
        ["both ends", 10_485_760, [[5_242_880, "middle"]]],
        ["odd end ü", 3_145_735, [[3_145_728, "odd end"]]],
        ["only a hole", 4_194_304, []],
        [
          "large",
          209_715_200,
          [
            [0, "first"],
            [157_286_403, "late"],
          ],
        ],
      ] as const) {
        const file = openSync(join(root, name), "w");
        ftruncateSync(file, size);
        for (const [offset, text] of data) writeSync(file, text, offset);
        closeSync(file);
      }
    },
    {},
  ],
  "links that lead out": [
    layOutLinkedProject,
    ...([undefined, "keep", "skip", "follow", "refuse"] as const).map((links) => (links ? { links } : {})),
    { links: "follow", exclude: ["shared/"] },
  ],
  "a virtual environment": [
    (root) => {
      makeVirtualEnvironment(join(root, ".venv"));
    },
    { links: "keep" },
    { links: "follow" },
    { links: "skip" },
  ],
  "sockets and FIFOs": [
    (root) => {
      execFileSync("mkfifo", [join(root, "a"), join(root, "b")]);
      execFileSync("python3", [
        "-c",
        "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])",
        join(root, "c"),
      ]);
      writeFileSync(join(root, "file"), "");
    },
    {},
  ],
  "a name that is not text": [
    (root) => {
      writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xff])]), "");
      symlinkSync(Buffer.from([0xff]), join(root, "link"));
    },
    {},
    { exclude: ["f*"] },
  ],
};

for (const [name, [layOut, ...all]] of Object.entries(trees)) {
  test(`Python's packer sends what the TypeScript one sends: ${name}`, async () => {
    using scratch = new ScratchDirectory();
    const root = layOut(scratch.path) ?? scratch.path;
    for (const options of all) {
      const [ours, pythons] = await Promise.all([packInTypeScript(root, options), packInPython(root, options)]);
      assert.deepEqual(pythons, ours, JSON.stringify(options));
    }
  });
}

test("Python's packer prints the same warnings about Git as the TypeScript one", async () => {
  using scratch = new ScratchDirectory();
  layOutRepositories(scratch.path);
  for (const name of ["main", "worktree", "super", "super/sub", "shared", "separate", "outer", "linked"]) {
    const root = join(scratch.path, name);
    assert.deepEqual(await packInPython(root, {}), await packInTypeScript(root, {}), name);
  }
});

test("Python's packer sends the same data of Git repositories as the TypeScript one", async () => {
  using scratch = new ScratchDirectory();
  layOutRepositories(scratch.path);
  writeFileSync(join(scratch.path, "super/sub/.gitignore"), "*.o\n.env\n");
  for (const name of ["new", "a.o", ".env"]) writeFileSync(join(scratch.path, "super/sub", name), name);
  for (const name of [
    "main",
    "worktree",
    "super",
    "super/sub",
    "shared",
    "separate",
    "outer",
    "linked",
    "linked/.git/objects",
  ]) {
    const root = join(scratch.path, name);
    for (const options of [
      { gitTracked: true, include: [".env"] },
      { withGit: true },
      { gitTracked: true, withGit: true },
    ]) {
      assert.deepEqual(await packInPython(root, options), await packInTypeScript(root, options), name);
    }
  }
});

test("Python's packer sends what the TypeScript one sends: one file", async () => {
  using scratch = new ScratchDirectory();
  writeFileSync(join(scratch.path, "script.py"), "print()", { mode: 0o750 });
  symlinkSync("script.py", join(scratch.path, "tool"));
  for (const path of [
    join(scratch.path, "tool"),
    join(scratch.path, "script.py"),
    "/dev/null",
    join(scratch.path, "no"),
  ]) {
    for (const options of [{}, { exclude: ["*.py"] }]) {
      assert.deepEqual(await packInPython(path, options), await packInTypeScript(path, options), path);
    }
  }
});

test("Python's packer sends what the TypeScript one sends: any tree", async () => {
  for (const plan of fc.sample(anyPlan, 8)) {
    using scratch = new ScratchDirectory();
    plantAny(scratch.path, plan);
    assert.deepEqual(await packInPython(scratch.path, {}), await packInTypeScript(scratch.path, {}));
  }
});

test("Python's packer names the same file as the TypeScript one: a file that differs at every read", async () => {
  const options = { exclude: ["*"], include: ["uuid", "boot_id"] };
  const [ours, pythons] = [packInTypeScript, packInPython].map((pack) => pack("/proc/sys/kernel/random", options));
  const [expected, packed] = [await ours!, await pythons!];
  assert.ok("report" in expected && "report" in packed);
  assert.equal((packed.report as PackReport).changed_entries, 1);
  assert.deepEqual(packed.report, expected.report);
});

test("Python's packer sends a tree in which a build and an editor work", async () => {
  using scratch = new ScratchDirectory();
  mkdirSync(join(scratch.path, "stable"));
  for (let file = 0; file < 200; file++) writeFileSync(join(scratch.path, `stable/${file}`), `${file}`);
  const writer = spawn(process.execPath, [WRITER_PROCESS, scratch.path], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    await once(writer.stdout, "data");
    for (let push = 0; push < 4; push++) {
      const packed = await packInPython(scratch.path, {});
      assert.ok("facts" in packed, JSON.stringify(packed));
      const stable = Object.keys(packed.facts).filter((path) => path.startsWith("stable/"));
      assert.equal(stable.length, 200);
      assert.match(String(packed.facts["renamed"]), /4000 bytes/);
    }
  } finally {
    writer.kill("SIGKILL");
    await once(writer, "close");
  }
});
