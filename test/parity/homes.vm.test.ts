import assert from "node:assert/strict";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Scratch } from "../client/scratch.js";
import { VmScratch } from "../vm/vm-scratch.js";
import { doors } from "./doors.js";
import { normalize } from "./normal.js";
import type { Answer, Place, Request } from "./runner.js";

/** What each door says in a home of a certain kind; all must say the same. */
async function ask(place: Place, request: Request, without: readonly string[] = []): Promise<Answer> {
  const answers: [string, Answer][] = [];
  for (const open of doors) {
    await using runner = open({ ...place, env: { ...process.env, ...place.env } });
    if (!without.includes(runner.name) && runner.offers(request))
      answers.push([runner.name, await runner.call(request)]);
  }
  const [, first] = answers[0]!;
  for (const [name, answer] of answers) assert.deepEqual(normalize(answer), normalize(first), name);
  assert.ok(answers.length > 1, "one door alone is no comparison");
  return first;
}

const codeOf = (answer: Answer) => ("error" in answer ? answer.error.code : answer);

test("an empty home has nothing to prune", async () => {
  await using scratch = new Scratch();
  await scratch.pyro(["daemon", "start"]);
  const answer = await ask(scratch, { operation: "env.prune", input: {} });
  assert.deepEqual(answer, { result: { removed: [], kept: [], freed_bytes: 0 } });
});

test("a home that is a file", async () => {
  await using scratch = new Scratch();
  const home = join(scratch.directory, "file");
  writeFileSync(home, "");
  const place = { home, env: { ...scratch.env, PYRO_HOME: home } };
  // Where there is no home, there is no socket either.
  assert.equal(codeOf(await ask(place, { operation: "env.list", input: {} }, ["HTTP"])), "HOME_UNUSABLE");
});

test("a package mirror that is not there", async () => {
  await using scratch = new Scratch({ PYRO_DEBIAN_MIRROR: "http://127.0.0.1:9/debian" });
  await scratch.pyro(["daemon", "start"]);
  const request: Request = { operation: "env.pull", input: { environment: "debian:12-base" } };
  assert.equal(codeOf(await ask(scratch, request)), "ENVIRONMENT_BUILD_FAILED");
});

test("an environment that was changed", async () => {
  await using scratch = new VmScratch();
  const environments = join(scratch.home, "environments");
  const shared = realpathSync(environments);
  rmSync(environments);
  mkdirSync(environments);
  cpSync(shared, environments, { recursive: true, verbatimSymlinks: true });
  const kernels = readdirSync(environments, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith("/kernel"),
  );
  assert.ok(kernels.length > 0);
  for (const name of kernels) {
    chmodSync(join(environments, name), 0o600);
    appendFileSync(join(environments, name), "x");
  }
  await scratch.pyro(["daemon", "start"]);
  const request: Request = { operation: "vm.run", input: { environment: "debian:12", command: ["true"] } };
  assert.equal(codeOf(await ask(scratch, request)), "ENVIRONMENT_CORRUPT");
});
