import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { AgentMachines } from "../core/agent-machines.js";
import { openTasks } from "../core/open-tasks.js";
import { temporaryDirectory } from "../store/scratch.js";
import { python } from "./run.js";

test("Python: a file's content may be a text, bytes or pieces, and comes back in base64", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  const directory = mkdtempSync(join(tmpdir(), "pyro-python-files-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const script = `
import base64, io, json, tarfile
from pyro_mcp import Pyro, PyroError
task = Pyro().open_task(${JSON.stringify(task.taskId)})
path = ${JSON.stringify(join(directory, "f"))}
for content, expected in (("ü", "ü".encode()), (b"\\x00\\xff", b"\\x00\\xff"), ((b"x" * 1000 for _ in range(2000)), b"x" * 2000000)):
    assert task.write_file(path, content)["bytes_written"] == len(expected)
    back = task.read_file(path, encoding="base64", max_bytes=4000000)
    assert base64.b64decode(back["content"]) == expected and back["next_offset"] is None
task.write_file(path, "one two")
print(task.edit_file(path, old="two", new="three")["text"])
big = path + "big"
task.write_file(big, b"0123456789" * 500000)
assert b"".join(task.stream_file(big)) == b"0123456789" * 500000
assert b"".join(task.stream_file(big, offset=4999998, max_bytes=5)) == b"89"
for piece in task.stream_file(big):
    break
with tarfile.open(fileobj=io.BytesIO(b"".join(task.stream_export(big, gzip=True)))) as archive:
    assert archive.getmembers()[0].size == 5000000
try:
    task.read_file(path + "x")
except PyroError as error:
    print(error.code)
try:
    next(task.stream_file(path + "x"))
except PyroError as error:
    print(error.code)`;
  const { status, stdout, stderr } = await python(["-W", "error", "-c", script], daemon.env);
  assert.deepEqual([status, stdout], [0, "1\tone three\nFILE_NOT_FOUND\nFILE_NOT_FOUND\n"], stderr);
  assert.equal(readFileSync(join(directory, "f"), "utf8"), "one three");
});
