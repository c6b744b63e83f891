import assert from "node:assert/strict";
import { test } from "node:test";

import { Demand } from "../../../src/core/machines/demand.js";

function demandOf(...asks: readonly (readonly [at: number, inFlight: number])[]): Demand {
  const demand = new Demand();
  for (const [at, inFlight] of asks) demand.ask(inFlight, at);
  return demand;
}

test("a single request: no spare", () => {
  assert.equal(demandOf([0, 1]).wanted(1), 0);
});

test("any number of requests one after the other: one spare", () => {
  assert.equal(demandOf(...Array.from({ length: 500 }, (_, index) => [index * 10, 1] as const)).wanted(5_000), 1);
});

test("simultaneous requests: as many spares as requests in flight", () => {
  assert.equal(demandOf([0, 1], [1, 2], [2, 3], [9_000, 1]).wanted(10_000), 3);
});

test("demand is forgotten after 30 s", () => {
  const demand = demandOf([0, 1], [1, 2], [2, 3], [20_000, 1], [29_000, 1]);
  assert.equal(demand.wanted(29_999), 3);
  assert.equal(demand.wanted(31_000), 1);
  assert.equal(demand.wanted(50_500), 0);
  assert.equal(demand.isOver(60_000), true);
});
