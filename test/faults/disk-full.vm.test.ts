import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import type { PyroError } from "../../src/contract/errors.js";
import { mountingTest } from "../client/mounting-test.js";
import { until } from "../client/scratch.js";
import { roundsOr, TaskScratch, type Entry } from "./task-scratch.js";

const PAGE_BYTES = 4_096;
const MIB = 1_048_576;
const LONGEST_COMMENT = 12_000;

/** The outcome of a command: the code of its error, or null on success. */
async function codeOf(asked: Promise<Entry>): Promise<string | null> {
  try {
    const { error, exit_code } = await asked;
    if (error === null) assert.equal(exit_code, 0);
    return error?.code ?? null;
  } catch (error) {
    return (error as PyroError).code;
  }
}

mountingTest(
  import.meta.url,
  "a disk that is full while a journal is written: the error says so, and no incomplete record is left",
  async () => {
    const rounds = roundsOr(20);
    await using scratch = new TaskScratch({ smallDisk: { directory: "tasks", size: "2m" } });
    const task = await scratch.create();
    const journal = join(scratch.taskPath(task), "journal.ndjson");
    let failures = 0;
    for (let round = 0; round < rounds; round += 1) {
      scratch.leaveRoom(randomInt(3) * PAGE_BYTES);
      const scripts = [1, 2, 3].map((number) => `echo ${number} # ${"x".repeat(randomInt(LONGEST_COMMENT))}`);
      const codes = await Promise.all(scripts.map((script) => codeOf(scratch.execHere(task, script))));
      failures += codes.filter((code) => code !== null).length;
      for (const code of codes) assert.ok(code === null || code === "DISK_FULL", `${code}`);
      const lines = readFileSync(journal, "utf8").split("\n");
      assert.equal(lines.pop(), "", "the last line is torn");
      for (const line of lines) JSON.parse(line);
      if (round % 4 === 3) await scratch.killDaemon();
      scratch.leaveRoom(2 * MIB);
      const { exit_code, stdout } = await scratch.execHere(task, "echo fine");
      assert.deepEqual([exit_code, stdout], [0, "fine\n"]);
      await until("every end is on disk", () => {
        const text = readFileSync(journal, "utf8");
        return text.split('"exec.started"').length === text.split('"exec.ended"').length;
      });
    }
    assert.ok(failures >= rounds / 2, `the disk was too big: ${failures} failures`);

    const before = await scratch.entries(task);
    await scratch.killDaemon();
    assert.deepEqual(await scratch.entries(task), before);
    assert.ok(before.every(({ state }) => state === "ended"));
  },
);

mountingTest(
  import.meta.url,
  "output that finds the disk full ends its command with what fitted; the next one has room again",
  async () => {
    await using scratch = new TaskScratch({ smallDisk: { directory: "tasks", size: "640k" } });
    const task = await scratch.create();
    const { exit_code, error, stdout } = await scratch.execHere(task, "seq 1 200000; sleep 60");
    assert.deepEqual([exit_code, error?.code], [null, "DISK_FULL"]);
    assert.match(stdout, /^1\n2\n3\n/);
    assert.equal((await scratch.status(task)).running_commands, 0);
    rmSync(join(scratch.taskPath(task), "execs", "1"), { recursive: true });
    await until("the command is dead", async () => (await scratch.execHere(task, "pgrep sleep")).exit_code === 1);
  },
);

mountingTest(
  import.meta.url,
  "a disk that is full while VMs write pauses them; with room again they have lost nothing",
  async () => {
    const rounds = roundsOr(2);
    await using scratch = new TaskScratch({ smallDisk: { directory: "vms", size: "160m" } });
    const other = await scratch.create();
    await scratch.execHere(other, "sync");
    const write = "head -c 12000000 /dev/urandom >big; sha256sum <big >sum; sync; echo written";
    const check = "echo 3 >/proc/sys/vm/drop_caches; sha256sum <big | cmp - sum && echo whole";
    for (let round = 0; round < rounds; round += 1) {
      const writing = await scratch.create();
      const isPaused = async () => /disk is full/.test((await scratch.status(writing)).state_reason ?? "");
      scratch.leaveRoom(randomInt(4 * MIB));
      const running = scratch.execHere(writing, write);
      await until("status shows that the VM is paused", isPaused);
      if (round % 2 === 1) {
        await scratch.killDaemon();
        await until("a new daemon shows it too", isPaused);
      }
      // The VM runs for a moment at each attempt to resume it, which is enough for a short command.
      const late = await scratch.execHere(writing, "sleep 60", {}, 1);
      assert.deepEqual([late.timed_out, late.error], [true, null]);
      assert.equal((await scratch.execHere(other, "echo here")).stdout, "here\n");
      scratch.leaveRoom(160 * MIB);
      const { exit_code, stdout, stderr } = await running;
      assert.deepEqual([exit_code, stdout, stderr], [0, "written\n", ""]);
      assert.equal((await scratch.execHere(writing, check)).stdout, "whole\n");
      await until("it is shown that all is well", async () => (await scratch.status(writing)).state_reason === null);
      await scratch.delete(writing);
    }
  },
);
