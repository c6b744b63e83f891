import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";

import { Scratch } from "../client/scratch.js";

interface Answer {
  ok: boolean;
  accelerator: {
    in_use: string;
    reason: string;
    candidates: { name: string; exists: boolean; opens: boolean; usable: boolean | null; reason: string }[];
  };
}

test("doctor distinguishes a device that exists from one that works, and keeps the verdict", async () => {
  await using scratch = new Scratch();
  const first = await scratch.pyro(["doctor", "--json"]);
  assert.equal(first.status, 0, first.stdout + first.stderr);
  const answer = JSON.parse(first.stdout) as Answer;
  const kvm = answer.accelerator.candidates.find(({ name }) => name === "kvm")!;
  assert.equal(kvm.exists, existsSync("/dev/kvm"));
  // A user who may open the device but cannot run a guest gets exactly that message.
  if (kvm.opens && kvm.usable === false) assert.match(kvm.reason, /opens, but does not run a guest|did not boot/);
  assert.equal(answer.accelerator.in_use, kvm.usable === false ? "tcg" : "kvm");

  const second = await scratch.pyro(["doctor", "--json"]);
  assert.deepEqual((JSON.parse(second.stdout) as Answer).accelerator, answer.accelerator);
});

test("PYRO_ACCEL overrides the verdict", async () => {
  await using scratch = new Scratch({ PYRO_ACCEL: "tcg" });
  const { stdout } = await scratch.pyro(["doctor", "--json"]);
  const { accelerator } = JSON.parse(stdout) as Answer;
  assert.equal(accelerator.in_use, "tcg");
  assert.match(accelerator.reason, /PYRO_ACCEL/);
});
