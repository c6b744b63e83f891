import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { AgentMachines } from "../core/agent-machines.js";
import { pyroPath } from "../client/scratch.js";
import { openTasks } from "../core/open-tasks.js";
import { temporaryDirectory } from "../store/scratch.js";
import { python } from "./run.js";

test("Python: a watch pushes a directory after each change, ends with its reader, and raises why it cannot begin", async (t) => {
  await using machines = new AgentMachines();
  const { daemon, pyro } = await openTasks(temporaryDirectory(t), machines);
  await using _ = daemon;
  await using task = await pyro.createTask("debian:12");
  const directory = join(temporaryDirectory(t), "watched");
  mkdirSync(directory);
  writeFileSync(join(directory, "first"), "1\n");
  const script = `
import pathlib
from pyro_mcp import Pyro, PyroError
pyro = Pyro()
task = pyro.open_task(${JSON.stringify(task.taskId)})
directory = pathlib.Path(${JSON.stringify(directory)})
watch = task.watch(directory, dest="/workspace/in", exclude=["*.log"])
event = next(watch)
assert event["event"] == "pushed" and event["result"]["entry_count"] == 1, event
(directory / "noise.log").write_text("x")
(directory / "second").write_text("2\\n")
while "second" not in event["changed"]:
    event = next(watch)
watch.close()
print(task.read_file("in/second")["content"], [each["path"] for each in task.list_files("in")["entries"]])
try:
    next(pyro.watch_task(task.task_id, directory / "none"))
except PyroError as error:
    print(error.code)
`;
  const { stdout, stderr } = await python(["-W", "error", "-c", script], { ...daemon.env, PYRO_EXECUTABLE: pyroPath });
  assert.equal(stdout, "2\n ['first', 'second']\nSOURCE_NOT_FOUND\n", stderr);
});
