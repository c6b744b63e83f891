import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";

import { execTask } from "../../src/client/task-exec.js";
import type { PyroError } from "../../src/contract/errors.js";
import { gzipBomb } from "../archive/bomb.js";
import { specimens } from "../archive/corpus.js";
import { type Facts, factsOfArchive, inPieces } from "../archive/trees.js";
import { TaskScratch } from "../faults/task-scratch.js";

const MIB = 1_048_576;

let scratch: TaskScratch;
before(() => {
  scratch = new TaskScratch();
});
after(() => scratch[Symbol.asyncDispose]());

/** Uploads an archive unchanged, without the client's own checks. */
const push = (task: string, openUpload: () => AsyncIterable<Uint8Array>, dest = "/workspace") =>
  scratch.client.call("task.sync.push", { task_id: task, source_path: "archive", dest }, { openUpload });

async function say(task: string, command: string): Promise<string> {
  const { stdout, stderr, exit_code } = await execTask(scratch.client, { task_id: task, command }, {});
  assert.equal(exit_code, 0, stderr);
  return stdout;
}

/** Everything about the workspace and /etc that an import could have changed. */
const LOOK =
  "find /workspace /etc -printf '%p %y %m %U %T@ %C@ %l\\n' | sort; find /workspace /etc -type f -print0 | sort -z | xargs -0 sha256sum";

test("every archive of the corpus that is refused has its code and its entry, and changes nothing", async () => {
  const task = await scratch.create();
  await say(
    task,
    "mkdir -p kept a; echo 1 >kept/file; ln -s /etc out; ln -s ../etc/passwd kept/link; touch -d 2020-01-01 . kept",
  );
  const untouched = await say(task, LOOK);
  let count = 0;
  for (const { name, bytes, refused, fitsNowhere } of specimens) {
    if (!refused) continue;
    const [code, entry] = [fitsNowhere ? "WORKSPACE_FULL" : refused[0], refused[1]];
    const error = await push(task, () => inPieces(bytes)).then(
      () => assert.fail(`accepted: ${name}`),
      (thrown: unknown) => thrown as PyroError,
    );
    assert.deepEqual([error.code, error.details["entry"] ?? null], [code, entry], `${name}: ${error.message}`);
    count += 1;
    if (count % 25 === 0) assert.equal(await say(task, LOOK), untouched, `one of the 25 up to ${name}`);
  }
  assert.ok(count >= 60);
  assert.equal(await say(task, LOOK), untouched);
});

test("every archive of the corpus that is accepted arrives as GNU tar extracts it", async () => {
  const task = await scratch.create();
  for (const [index, { name, bytes, refused }] of specimens.entries()) {
    if (refused) continue;
    const dest = `/workspace/${index}`;
    await push(task, () => inPieces(bytes), dest);
    const expected = await factsOfArchive(bytes);
    const found = await factsOfGuest(task, dest);
    // Directories without an entry have a time of their own.
    for (const [path, [type]] of Object.entries(found))
      if (type === "directory" && !(path in expected)) delete found[path];
    assert.deepEqual(found, expected, name);
  }
});

/** The same facts that the reader's tests compare with GNU tar's extraction, read in the guest. */
async function factsOfGuest(task: string, directory: string): Promise<Facts> {
  const listing = await say(
    task,
    `cd '${directory}'; find . -mindepth 1 -printf '%P\\0%y\\0%m\\0%T@\\0%l\\0%s\\0'; printf '\\0'; find . -type f -print0 | xargs -0r sha256sum -z`,
  );
  const [entries = "", digests = ""] = listing.split(/\0\0(?=[0-9a-f]{64} |$)/);
  const digestOf = new Map(
    digests
      .split("\0")
      .filter(Boolean)
      .map((line) => [line.slice(68), line.slice(0, 64)]),
  );
  const facts = Object.create(null) as Facts;
  const fields = entries.split("\0");
  for (let at = 0; at + 5 < fields.length + 1 && fields[at]; at += 6) {
    const [path = "", type, mode = "", time = "", target, size] = fields.slice(at, at + 6);
    const [seconds = "0", fraction = "0"] = time.split(".");
    const ns = `${BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9))}`;
    if (type === "l") facts[path] = ["symlink", target, ns];
    else if (type === "d") facts[path] = ["directory", Number.parseInt(mode, 8), ns, null];
    else facts[path] = ["file", Number.parseInt(mode, 8), ns, `${size} bytes, ${digestOf.get(path)}`];
  }
  return facts;
}

test("a gzip bomb of 10 GiB is refused; neither the daemon nor the guest's disk grows", async () => {
  const task = await scratch.create();
  const used = () => say(task, "df --output=used,iused /workspace | tail -n 1; ls -A /workspace");
  const before = await used();
  const daemon = await scratch.daemonPid();
  const restMib = residentMib(daemon, "VmRSS");
  writeFileSync(`/proc/${daemon}/clear_refs`, "5");
  await assert.rejects(
    push(task, () => gzipBomb(10 * 1024 * MIB)),
    { code: "WORKSPACE_FULL" },
  );
  // A file that is left out is still read to its end, where the checksum of gzip is.
  const input = { task_id: task, source_path: "archive", exclude: ["bomb"] };
  const { excluded_count } = await scratch.client.call("task.sync.push", input, {
    openUpload: () => gzipBomb(1024 * MIB),
  });
  assert.equal(excluded_count, 1);
  const grownMib = residentMib(daemon, "VmHWM") - restMib;
  assert.ok(grownMib < 64, `the daemon grew by ${grownMib} MiB`);
  assert.equal(await used(), before);
});

/** A figure of a process's memory. */
function residentMib(pid: number, name: "VmRSS" | "VmHWM"): number {
  const [, kib] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  assert.ok(kib);
  return Number(kib) / 1024;
}
