import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import type { Handler } from "../../../src/core/core.js";
import type { Handlers } from "../../../src/daemon/handlers.js";
import { endOf, pyroPath } from "../../client/scratch.js";
import { Listening, runInShell } from "../../daemon/listening.js";

type Push = Handler<"task.sync.push">;

const figures = {
  ...{ entry_count: 1, bytes_written: 5, excluded_count: 0, unchanged_count: 0, ignored_xattr_count: 0 },
  ...{ skipped_special: 0, skipped_links: 0, changed_entries: 0, warnings: [], duration_ms: 1 },
  ...{ deleted_count: 0, kept_count: 0 },
};

/** The push ends by itself after this long, so that a client that prints nothing fails the test. */
const DEADLINE_MS = 60_000;

/** A daemon that takes a push and reports progress until `isOver`. */
function listen(isOver: () => boolean): Listening {
  const push: Push = async (_core, input, call) => {
    for await (const _ of call.upload!);
    const end = performance.now() + DEADLINE_MS;
    while (!isOver() && performance.now() < end) {
      await call.emit({ event: "progress", phase: "import", message: "7 entries, 1.0 MiB, 1.0 MiB/s", fraction: 0.5 });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return { ...input, ...figures, mode: "directory", destination: "/workspace" };
  };
  return new Listening(runInShell, { others: { "task.sync.push": push } as unknown as Partial<Handlers> });
}

function startPush(daemon: Listening, ...flags: readonly string[]) {
  const words = ["task", "sync", "push", "task-0123456789ab", layOut(daemon), ...flags];
  return spawn(process.execPath, [pyroPath, ...words], { env: daemon.env });
}

/** A source with a FIFO, for which there is a warning. */
function layOut(daemon: Listening): string {
  const source = join(daemon.directory, "source");
  mkdirSync(source);
  writeFileSync(join(source, "file"), "12345");
  execFileSync("mkfifo", [join(source, "fifo\n")]);
  return source;
}

test("a push that takes longer than a second prints its progress and its warnings", async () => {
  let said = "";
  await using daemon = listen(() => said.includes("[push] 7 entries"));
  const child = startPush(daemon);
  child.stderr.on("data", (data: Buffer) => (said += data.toString()));
  const { status, stdout, stderr } = await endOf(child);
  assert.deepEqual([status, stdout], [0, "Pushed 1 entry (5 B) to /workspace in 1 ms.\n"]);
  assert.equal(
    stderr,
    "[push] 7 entries, 1.0 MiB, 1.0 MiB/s (50 %)\n[push] Left out 1 socket, FIFO or device: fifo\\n.\n",
  );
});

test("a short push prints no progress; with --json its warnings are only in the result", async () => {
  await using daemon = listen(() => true);
  const { status, stdout, stderr } = await endOf(startPush(daemon, "--json"));
  const { skipped_special, warnings } = JSON.parse(stdout) as { skipped_special: number; warnings: string[] };
  assert.deepEqual([status, stderr, skipped_special, warnings.length], [0, "", 1, 1]);
});
