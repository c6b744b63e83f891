import assert from "node:assert/strict";
import { test } from "node:test";

import { measureInside } from "../../src/bench/inside.js";
import type { Place } from "../../src/bench/places.js";
import { workload } from "../../src/bench/workloads.js";

/** A place that records its lines and lacks a program. */
function openPlace(name: string, lines: string[], lacks: string): Place {
  const run = async (line: string) => {
    if (line.includes(`test -x ${lacks}`)) throw new Error("status 1");
    lines.push(`${name}: ${line}`);
  };
  return { name, run, close: async () => {} };
}

test("workloads run in each place in turn, and one whose program a place lacks is left out and named", async () => {
  const lines: string[] = [];
  const places = [openPlace("host", lines, "/none"), openPlace("guest", lines, "/bin/missing")];
  const workloads = [
    workload("first", "work", { prepare: "make", before: "clean" }),
    workload("second", "more", { needs: ["/bin/missing"] }),
    workload("third", "long", { maxRounds: 1 }),
  ];
  const table = await measureInside({ title: "inside", places, workloads, rounds: 2 });
  const measured = lines.filter((line) => !line.includes(": true"));
  const round = ["host: clean", "host: work", "guest: clean", "guest: work"];
  assert.deepEqual(measured, [...round, ...round, "host: long", "guest: long"]);
  assert.deepEqual(
    table.columns.map(({ name, unit }) => [name, unit]),
    [
      ["what", "text"],
      ["host", "ms"],
      ["guest", "ms"],
      ["guest ÷ host", "ratio"],
    ],
  );
  assert.deepEqual(
    table.rows.map(([what, host, guest, ratio]) => [what, Number(guest) / Number(host) === ratio]),
    [
      ["first", true],
      ["third", true],
    ],
  );
  assert.match(table.notes?.[0] ?? "", /second/);
});
