import assert from "node:assert/strict";
import { test } from "node:test";

import { TaskScratch } from "../../faults/task-scratch.js";

test("a background command: returns its number, its output from an offset and to the end, and takes a signal", async () => {
  await using scratch = new TaskScratch();
  const task = await scratch.create();
  const script = String.raw`printf 'one\377\n'; echo err >&2; while ! [ -e go ]; do sleep 0.1; done; echo two; exec sleep 1000`;
  const started = await scratch.exec(task, script, "--background", "--timeout-seconds", "600");
  assert.deepEqual([started.status, started.stdout], [0, "1\n"]);

  // Begins after "err", so that only standard output ends the wait: either stream may be first.
  const waiting = scratch.start(["task", "output", task, "1", "--stderr-offset", "4", "--wait-seconds", "30"]);
  const chunks: Buffer[] = [];
  waiting.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  await new Promise((resolve) => waiting.once("close", resolve));
  assert.deepEqual(Buffer.concat(chunks), Buffer.from("6f6e65ff0a", "hex"), "byte for byte");

  const follower = scratch.pyro(["task", "output", task, "1", "--follow", "--stdout-offset", "5"]);
  // Neither the command nor its follower depends on the daemon.
  await scratch.killDaemon();
  await scratch.exec(task, "touch go");
  const page = await scratch.json<{ stdout: string; state: string }>(
    "task",
    "output",
    task,
    "1",
    "--stdout-offset",
    "5",
    "--stderr-offset",
    "4",
    "--wait-seconds",
    "30",
  );
  assert.deepEqual([page.stdout, page.state], ["two\n", "running"]);
  assert.equal((await scratch.pyro(["task", "signal", task, "1"])).status, 0);
  const followed = await follower;
  assert.deepEqual([followed.status, followed.stdout], [0, "two\n"]);
  assert.match(followed.stderr, /\[task-output\] .* state=ended exit_code=143/);

  assert.equal((await scratch.failure("task", "signal", task, "1")).code, "FAILED_PRECONDITION");
  assert.equal((await scratch.failure("task", "signal", task, "1", "NOPE")).code, "INVALID_ARGUMENT");
  assert.equal((await scratch.failure("task", "output", task, "99")).code, "NOT_FOUND");
  assert.equal((await scratch.pyro(["task", "output", task, "x"])).status, 2);
});

test("pages of output together are the whole output, with whole characters and the number of lost bytes", async () => {
  await using scratch = new TaskScratch();
  const task = await scratch.create();
  // 12 MB: more than the head and the tail that the disk keeps.
  await scratch.exec(task, "yes 'äöü€😀' | head -c 12000000");
  let offset = 0;
  let omitted = 0;
  let bytes = 0;
  for (let isComplete = false; !isComplete;) {
    const place = ["--stdout-offset", String(offset), "--max-bytes", "1000001"];
    const page = await scratch.json<{
      stdout: string;
      stdout_omitted_bytes: number;
      next_stdout_offset: number;
      complete: boolean;
    }>("task", "output", task, "1", ...place);
    if (page.stdout_omitted_bytes === 0 && !page.complete) assert.ok(!page.stdout.includes("\uFFFD"));
    assert.ok(page.next_stdout_offset > offset);
    omitted += page.stdout_omitted_bytes;
    bytes += page.next_stdout_offset - offset - page.stdout_omitted_bytes;
    offset = page.next_stdout_offset;
    isComplete = page.complete;
  }
  assert.equal(bytes + omitted, 12_000_000);
  assert.ok(omitted > 1_000_000);
});
