import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";

import { PyroError } from "../../src/contract/errors.js";
import { mountingTest } from "../client/mounting-test.js";
import { assertCounts, output, SnapshotScratch } from "./snapshot-scratch.js";

const MIB = 1_048_576;
/** The space that a snapshot requires beforehand, on a disk as empty as this one. */
const RESERVE_MIB = 68;
const CHANGED_MIB = 96;

const SETUP = `
mkdir -p /tmpfs && mount -t tmpfs none /tmpfs && head -c ${CHANGED_MIB}M /dev/urandom >/tmpfs/file && sha256sum /tmpfs/file >/tmpfs/sum
(i=0; while :; do i=$((i+1)); echo $i >/tmpfs/new; mv /tmpfs/new /tmpfs/count; sleep 0.02; done) >/dev/null 2>&1 &
until [ -e /tmpfs/count ]; do sleep 0.05; done`;

mountingTest(
  import.meta.url,
  "a disk that is full at any step of a snapshot: DISK_FULL, the VM runs on, and nothing is left",
  async () => {
    const smallDisk = { directory: "snapshots", size: "400m" };
    await using scratch = await new SnapshotScratch({ smallDisk }).open();
    const machine = await scratch.startMachine();
    await output(machine, SETUP);
    for (let round = 0; round < 6; round += 1) {
      // First too little to begin, then enough to begin but not to finish some file of the snapshot.
      scratch.leaveRoom(round === 0 ? MIB : RESERVE_MIB * MIB + randomInt((CHANGED_MIB - RESERVE_MIB) * MIB));
      const outcome = await scratch.snapshot(machine).catch(PyroError.from);
      assert.ok(outcome instanceof PyroError, "there was room");
      assert.equal(outcome.code, "DISK_FULL", outcome.message);
      assert.deepEqual(readdirSync(join(scratch.home, "snapshots")), []);
      await assertCounts(machine, "/tmpfs/count");
    }
    scratch.leaveRoom(400 * MIB);
    const fork = await scratch.from(await scratch.snapshot(machine));
    await output(fork, "sha256sum -c /tmpfs/sum");
    await assertCounts(fork, "/tmpfs/count");
  },
);
