import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { performOperation } from "../../../src/client/perform.js";
import { PulledProject, writeFiles } from "./pulled-project.js";

const MIB = 1_048_576;
const first = Buffer.alloc(2 * MIB, "first ");
const second = Buffer.alloc(2 * MIB, "second ");
const longer = Buffer.alloc(3 * MIB, "longer ");

const digestOf = (content: Buffer) => createHash("sha256").update(content).digest("hex");

async function withProject(t: TestContext, act: (project: PulledProject) => Promise<void>): Promise<void> {
  await using project = await PulledProject.open(t, { kept: "kept\n" });
  await act(project);
}

/** The digests in a list for which the agent does not hash files that it has not hashed before. */
async function lazyDigests({ client, taskId }: PulledProject): Promise<[string, string | null | undefined][]> {
  const input = { task_id: taskId, paths: [], exclude: [], include: [], lazy: true };
  const { changes } = await performOperation(client, "task.changes", input);
  return changes.map(({ path, task }) => [path, task?.sha256]);
}

test("pull: a long file that the guest has not hashed arrives with its digest, and then counts as unchanged", (t) =>
  withProject(t, async (project) => {
    writeFiles(project.workspace, { "d/large": first, small: "small\n" });
    const lazy = new Map(await lazyDigests(project));
    assert.deepEqual([lazy.get("d/large"), lazy.get("small")?.length], [null, 64]);

    const dry = await project.pull({ dry_run: true });
    const shown = dry.changes.find(({ path }) => path === "d/large");
    assert.equal(shown?.after?.sha256, digestOf(first));
    writeFileSync(join(project.workspace, "d/large"), longer);
    assert.deepEqual(new Map(await lazyDigests(project)).get("d/large"), null);

    const { changes, written_count } = await project.pull();
    assert.deepEqual(
      [written_count, changes.find(({ path }) => path === "d/large")?.after?.sha256],
      [3, digestOf(longer)],
    );
    assert.ok(readFileSync(join(project.host, "d/large")).equals(longer));
    assert.deepEqual((await project.pull()).written_count, 0);
    assert.deepEqual(await lazyDigests(project), []);
    await project.undo();
    assert.deepEqual(project.hostFiles(), { kept: "kept\n" });
  }));

test("pull: a long file of the same length is written only if its content changed", (t) =>
  withProject(t, async (project) => {
    writeFiles(project.workspace, { large: first });
    await project.pull();
    // The same content with another inode and other times.
    writeFiles(project.workspace, { large: first });
    assert.equal((await project.pull()).written_count, 0);
    writeFiles(project.workspace, { large: second });
    assert.equal((await project.pull()).written_count, 1);
    assert.ok(readFileSync(join(project.host, "large")).equals(second));
  }));

test("pull: a long file of both sides is a conflict with both digests, or no change when they agree", (t) =>
  withProject(t, async (project) => {
    writeFiles(project.workspace, { large: longer });
    writeFiles(project.host, { large: first });
    const { conflicts, written_count } = await project.pull();
    const [conflict] = conflicts;
    assert.deepEqual([conflict?.host?.sha256, conflict?.task?.sha256], [digestOf(first), digestOf(longer)]);
    assert.equal(written_count, 0);
    const both = await project.pull({ on_conflict: "both" });
    assert.equal(both.written_count, 1);
    assert.ok(readFileSync(join(project.host, "large.task")).equals(longer));

    writeFiles(project.workspace, { agreed: second });
    writeFiles(project.host, { agreed: second });
    assert.deepEqual((await project.pull()).conflicts, []);
    appendFileSync(join(project.host, "agreed"), "more");
    assert.equal((await project.pull()).written_count, 0);
  }));

test("settle: a file without a digest is refused, since it could not be compared", (t) =>
  withProject(t, async ({ client, taskId, host }) => {
    const entry = { type: "file", mode: 0o644, size_bytes: 1, sha256: null, target: null };
    const stdin = [Buffer.from(`${JSON.stringify(["a", entry])}\n`)];
    const settling = client.call("task.settle", { task_id: taskId, origin: host }, { stdin: stream(stdin) });
    await assert.rejects(settling, { code: "INVALID_ARGUMENT" });
  }));

async function* stream(pieces: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* pieces;
}
