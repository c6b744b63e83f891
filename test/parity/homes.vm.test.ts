import assert from "node:assert/strict";
import { test } from "node:test";

import { mountingTest } from "../client/mounting-test.js";
import { Scratch } from "../client/scratch.js";
import { doors } from "./doors.js";
import { homes } from "./homes.js";
import { undoForModel } from "./model.js";
import { normalize } from "./normal.js";
import type { Answer, Place, Request } from "./runner.js";

/** The answers of all doors in a home of a certain kind, which must be equal. */
async function ask(place: Place, request: Request, without: readonly string[] = []): Promise<Answer> {
  const answers: [string, Answer][] = [];
  for (const open of doors) {
    await using runner = open({ ...place, env: { ...process.env, ...place.env } });
    if (!without.includes(runner.name) && runner.offers(request))
      answers.push([runner.name, await runner.call(request)]);
  }
  const [, first] = answers[0]!;
  for (const [name, answer] of answers) {
    const plain = name === "MCP" ? undoForModel(answer, first) : answer;
    assert.deepEqual(normalize(plain), normalize(first), name);
  }
  assert.ok(answers.length > 1, "a comparison needs more than one door");
  return first;
}

test("an empty home has nothing to prune", async () => {
  await using scratch = new Scratch();
  await scratch.pyro(["daemon", "start"]);
  const answer = await ask(scratch, { operation: "env.prune", input: {} });
  assert.deepEqual(answer, { result: { removed: [], kept: [], freed_bytes: 0, dry_run: false } });
});

for (const { name, request, code, without, mounts = false, open } of homes) {
  const check = async () => {
    await using scratch = await open();
    const answer = await ask(scratch.place ?? scratch, request, without);
    assert.equal("error" in answer ? answer.error.code : answer, code);
  };
  if (mounts) mountingTest(import.meta.url, `${name}: ${code}`, check);
  else test(`${name}: ${code}`, check);
}
