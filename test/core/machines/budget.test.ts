import assert from "node:assert/strict";
import { test } from "node:test";

import { PyroError } from "../../../src/contract/errors.js";
import { Budget, noCeilings, type Ceilings } from "../../../src/core/machines/budget.js";

const share = { memoryMib: 600, diskMib: 1_000 };
const budgetOf = (ceilings: Partial<Ceilings>, keptMib = 0) =>
  new Budget({ ...noCeilings, ...ceilings }, async () => keptMib);

async function refusal(budget: Budget): Promise<PyroError> {
  const outcome = await budget.take(share).catch(PyroError.from);
  assert.ok(outcome instanceof PyroError);
  assert.equal(outcome.code, "RESOURCE_EXHAUSTED");
  return outcome;
}

test("without limits every VM fits", async () => {
  const budget = budgetOf({});
  for (let count = 0; count < 100; count += 1) await budget.take(share);
  assert.equal(await budget.countRoom(share), Infinity);
  assert.deepEqual([budget.memoryMib, budget.diskMib, await budget.keptMib()], [60_000, 100_000, null]);
});

test("each limit admits exactly its amount; the error names the limit's variable, and a release makes room again", async () => {
  const cases: [Partial<Ceilings>, string][] = [
    [{ vms: 2 }, "PYRO_MAX_VMS"],
    [{ memoryMib: 1_200 }, "PYRO_MAX_MEMORY"],
    [{ diskMib: 2_000 }, "PYRO_MAX_DISK"],
  ];
  for (const [ceilings, variable] of cases) {
    const budget = budgetOf(ceilings);
    assert.equal(await budget.countRoom(share), 2);
    const release = await budget.take(share);
    await budget.take(share);
    assert.equal(await budget.countRoom(share), 0);
    const { message, hint, details } = await refusal(budget);
    assert.match(message, new RegExp(variable));
    assert.match(hint, new RegExp(variable));
    assert.deepEqual([details["reason"], details["variable"]], ["limit", variable]);
    assert.equal(budget.fits(share), false);
    release();
    release();
    assert.equal(budget.fits(share), true);
    await budget.take(share);
  }
});

test("callers at the same time do not share the last place", async () => {
  const budget = budgetOf({ vms: 3 });
  const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => budget.take(share)));
  assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 3);
});

test("disk that is kept without a VM counts", async () => {
  const budget = budgetOf({ diskMib: 2_000 }, 1_500);
  const { details } = await refusal(budget);
  assert.deepEqual([details["kept_mib"], details["limit_mib"]], [1_500, 2_000]);
  assert.equal(await budget.countRoom(share), 0);
});

test("a VM that runs already counts even beyond a limit", async () => {
  const budget = budgetOf({ vms: 1 });
  budget.hold(share);
  budget.hold(share);
  await refusal(budget);
});
