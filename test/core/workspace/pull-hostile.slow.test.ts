import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { readTree } from "../../client/pull/guest.js";
import { PulledProject, writeFiles } from "./pulled-project.js";

/** The changes that a hostile guest makes between listing its files and sending them. */
const swaps: Readonly<Record<string, (workspace: string) => void>> = {
  "a FIFO": (workspace) => {
    rmSync(join(workspace, "d/f"));
    assert.equal(spawnSync("mkfifo", [join(workspace, "d/f")]).status, 0);
  },
  "a link to a file of the host": (workspace) => {
    rmSync(join(workspace, "d/f"));
    symlinkSync("/etc/passwd", join(workspace, "d/f"));
  },
  "a link in the place of its directory": (workspace) => {
    mkdirSync(join(workspace, "elsewhere"));
    writeFileSync(join(workspace, "elsewhere/f"), "changed");
    renameSync(join(workspace, "d"), join(workspace, "old"));
    symlinkSync("elsewhere", join(workspace, "d"));
  },
  "a directory": (workspace) => {
    rmSync(join(workspace, "d/f"));
    mkdirSync(join(workspace, "d/f"));
  },
  nothing: (workspace) => rmSync(join(workspace, "d/f")),
  "other content of the same size": (workspace) => writeFileSync(join(workspace, "d/f"), "CHANGED"),
  "less content": (workspace) => truncateSync(join(workspace, "d/f"), 3),
  "a terabyte": (workspace) => truncateSync(join(workspace, "d/f"), 2 ** 40),
};

for (const [what, swap] of Object.entries(swaps)) {
  test(`pull: fails with WORKSPACE_CHANGED when a file is ${what} while it is read, and writes nothing`, async (t) => {
    await using project = await PulledProject.open(t, { "d/f": "1", g: "1" });
    const { client, host, workspace } = project;
    writeFiles(workspace, { "d/f": "changed", g: "changed" });
    const before = readTree(host);
    const call = client.call.bind(client);
    client.call = (name, ...rest) => {
      if (name === "task.export") swap(workspace);
      return call(name, ...rest);
    };
    await assert.rejects(project.pull(), { code: "WORKSPACE_CHANGED", message: /d\/f/ });
    assert.deepEqual(readTree(host), before);
    client.call = call;
    rmSync(join(workspace, "d"), { recursive: true, force: true });
    writeFiles(workspace, { "d/f": "changed" });
    await project.pull();
    assert.deepEqual(
      [readFileSync(join(host, "d/f"), "utf8"), readFileSync(join(host, "g"), "utf8")],
      ["changed", "changed"],
    );
  });
}

test("pull: fails with WORKSPACE_CHANGED when a file grows while it is read, and writes nothing", async (t) => {
  await using project = await PulledProject.open(t, { f: "1" });
  const path = join(project.workspace, "f");
  writeFileSync(path, Buffer.alloc(8 << 20, "x"));
  const grow = setInterval(() => appendFileSync(path, "more"), 1);
  try {
    await assert.rejects(project.pull(), { code: "WORKSPACE_CHANGED" });
  } finally {
    clearInterval(grow);
  }
  assert.deepEqual(
    [...readTree(project.host).values()].map((node) => node.type === "file" && node.text),
    ["1"],
  );
});

test("pull: special files and names that are not UTF-8 are named in a warning, and the others arrive", async (t) => {
  await using project = await PulledProject.open(t, {});
  const { workspace, host } = project;
  writeFiles(workspace, { "new\nline": "1", "-rf *": "2", "grün/\u202e": "3" });
  writeFileSync(Buffer.concat([Buffer.from(`${workspace}/`), Buffer.from([0xff, 0x61])]), "4");
  assert.equal(spawnSync("mkfifo", [join(workspace, "fifo")]).status, 0);
  const { written_count, warnings } = await project.pull();
  assert.equal(written_count, 4);
  assert.match(warnings.join(), /^2 entries cannot be pulled/);
  assert.deepEqual(readdirSync(host).toSorted(), ["-rf *", "grün", "new\nline"]);
  assert.ok(existsSync(join(host, "grün/\u202e")));
});

test("pull: a directory of the host that becomes a link during the pull is not followed", async (t) => {
  await using project = await PulledProject.open(t, { "d/f": "1" });
  const { client, host, workspace, directory } = project;
  writeFiles(workspace, { "d/f": "changed", "d/new": "new" });
  const outside = join(directory, "outside");
  writeFiles(outside, { f: "1" });
  const call = client.call.bind(client);
  client.call = (name, ...rest) => {
    if (name === "task.export") {
      rmSync(join(host, "d"), { recursive: true });
      symlinkSync(outside, join(host, "d"));
    }
    return call(name, ...rest);
  };
  await assert.rejects(project.pull(), { code: "DESTINATION_CHANGED" });
  assert.deepEqual(
    [...readTree(outside)].map(([path]) => path),
    ["f"],
  );
});
