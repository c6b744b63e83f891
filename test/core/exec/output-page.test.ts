import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import type { InputOf } from "../../../src/contract/operations.js";
import { readPage, waitForOutput } from "../../../src/core/exec/output-page.js";
import type { TaskExec } from "../../../src/core/exec/task-exec.js";
import { openOutputLog, type OutputLog } from "../../../src/store/output-log.js";
import { character, fc, inAll } from "../../property.js";
import { temporaryDirectory } from "../../store/scratch.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** A command that keeps running and prints nothing. */
async function quietExec(context: TestContext): Promise<TaskExec> {
  const directory = mkdtempSync(join(tmpdir(), "pyro-output-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const logs = { stdout: await openOutputLog(directory, "stdout"), stderr: await openOutputLog(directory, "stderr") };
  return { isRunning: true, done: new Promise(() => {}), output: () => Promise.resolve(logs) } as unknown as TaskExec;
}

function inputOf(waitSeconds: number): InputOf<"task.exec_output"> {
  return {
    task_id: "task-00000000000a",
    sequence: 1,
    stdout_offset: 0,
    stderr_offset: 0,
    max_bytes: 1024,
    interleaved: false,
    encoding: "utf8",
    wait_for: "output",
    wait_seconds: waitSeconds,
  };
}

/** Collects garbage until the work ends; false when it has not ended at the deadline. */
async function endsDespiteCollection(work: Promise<unknown>, deadlineMs: number): Promise<boolean> {
  const collecting = setInterval(collectGarbage, 10);
  let deadline: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => (deadline = setTimeout(resolve, deadlineMs, false)));
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearInterval(collecting);
    clearTimeout(deadline);
  }
}

test("a wait for output ends after wait_seconds while garbage is collected", async (t) => {
  const work = quietExec(t).then((exec) => waitForOutput(exec, inputOf(1), new AbortController().signal));
  assert.equal(await endsDespiteCollection(work, 60_000), true);
});

test("a wait for output ends with the caller's reason while garbage is collected", async (t) => {
  const caller = new AbortController();
  const work = quietExec(t).then((exec) => waitForOutput(exec, inputOf(300), caller.signal));
  const timer = setTimeout(() => caller.abort(new Error("the caller left")), 500);
  await assert.rejects(endsDespiteCollection(work, 60_000), /the caller left/);
  clearTimeout(timer);
});

/** Reads a log to its end in pages of a size, as a client does that follows it. */
async function readPages(log: OutputLog, maxBytes: number): Promise<{ bytes: Buffer; encodings: string[] }> {
  const stderr = { totalBytes: 0, isFinal: true, read: async () => null } as unknown as OutputLog;
  const exec = { isCutOff: false, output: () => Promise.resolve({ stdout: log, stderr }) } as unknown as TaskExec;
  const parts: Buffer[] = [];
  const encodings: string[] = [];
  for (let offset = 0, isAtEnd = false; !isAtEnd;) {
    const { stdout } = await readPage(exec, { ...inputOf(0), stdout_offset: offset, max_bytes: maxBytes });
    parts.push(Buffer.from(stdout.text, stdout.encoding));
    encodings.push(stdout.encoding);
    offset = stdout.nextOffset;
    isAtEnd = stdout.isAtEnd;
  }
  return { bytes: Buffer.concat(parts), encodings };
}

test("pages of any size have every byte, and pages of a text are text", async (t) => {
  const directory = temporaryDirectory(t);
  let run = 0;
  const pieces = fc.array(fc.oneof(fc.string({ unit: character }).map(Buffer.from), fc.uint8Array().map(Buffer.from)));
  await fc.assert(
    fc.asyncProperty(pieces, fc.integer({ min: 4, max: 40 }), async (parts, maxBytes) => {
      const log = await openOutputLog(join(directory, `${(run += 1)}`), "stdout");
      const whole = Buffer.concat(parts);
      if (whole.length > 0) await log.append(whole);
      await log.close();
      const { bytes, encodings } = await readPages(log, maxBytes);
      assert.deepEqual(bytes, whole);
      if (isUtf8(whole)) assert.ok(encodings.every((encoding) => encoding === "utf-8"));
    }),
    { numRuns: inAll(60) },
  );
});
