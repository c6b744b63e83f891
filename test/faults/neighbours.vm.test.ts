import assert from "node:assert/strict";
import { test } from "node:test";

import { attack, attacks } from "../neighbours/attacks.js";
import { TaskScratch } from "./task-scratch.js";

/** The others take long, or have tests of their own; `make test-neighbours` has all. */
const SHORT = ["fork bomb", "output flood", "kill -9 -1", "sysrq"];

test("a guest that does harm: its own task says so, and a neighbour is answered meanwhile", async (t) => {
  await using scratch = new TaskScratch();
  const neighbour = await scratch.create();
  for (const each of attacks.filter(({ name }) => SHORT.includes(name))) {
    await t.test(each.name, async () => {
      const task = await scratch.create();
      const attacked = attack(scratch, task, each);
      const answered = scratch.execHere(neighbour, "echo unharmed", {}, 120);
      await attacked;
      assert.equal((await answered).stdout, "unharmed\n");
      await scratch.delete(task);
    });
  }
  assert.equal((await scratch.execHere(neighbour, "echo unharmed", {}, 120)).stdout, "unharmed\n");
});
