import assert from "node:assert/strict";
import { test } from "node:test";

import { fc } from "../property.js";

import { createFilter } from "../../src/archive/filter.js";
import { PyroError } from "../../src/contract/errors.js";
import type { Handlers } from "../../src/daemon/handlers.js";
import { Listening, runInShell } from "../daemon/listening.js";
import { python } from "./run.js";

interface Question {
  readonly exclude: readonly string[];
  readonly include: readonly string[];
  readonly paths: readonly (readonly [path: string, isDirectory: boolean])[];
}

const ask = `
import json, sys
from pyro_mcp._filter import create_filter
def answer(exclude, include, paths):
    excludes = create_filter(exclude, include)
    return excludes and [excludes(*path) for path in paths]
print(json.dumps([answer(**question) for question in json.load(open(0))]))`;

/** The names that Python's packer leaves out; null for patterns that it leaves to the daemon. */
async function answersOf(questions: readonly Question[]): Promise<(boolean[] | null)[]> {
  const { status, stdout, stderr } = await python(["-c", ask], {}, JSON.stringify(questions));
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as (boolean[] | null)[];
}

/** A path is only reached when none of its directories is left out. */
function meets({ exclude, include }: Question, path: string): boolean {
  const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  return parent === "" || createFilter({ exclude, include })?.excludedRoot(parent, true) === null;
}

function assertAlike(question: Question, answer: readonly boolean[]): void {
  const filter = createFilter(question)!;
  for (const [index, [path, isDirectory]] of question.paths.entries()) {
    if (!meets(question, path)) continue;
    assert.equal(answer[index], filter.excludes(path, isDirectory), JSON.stringify({ ...question, paths: path }));
  }
}

const paths = [
  "a",
  "b",
  "a/b",
  "a/b/c",
  "x.log",
  "a/x.log",
  "a/b/x.log",
  ".git",
  "a/.git",
  "grün",
  "(a)",
  "a+b",
  "a\nb",
].flatMap((path) => [[path, true] as const, [path, false] as const]);

test("Python's packer leaves out the same entries as the TypeScript one", async () => {
  const table = [
    "a",
    "/a",
    "a/",
    "*.log",
    "/*.log",
    "a/*",
    "a/**",
    "**/b",
    "**/b/",
    "a/**/x.log",
    "*",
    "?",
    ".*",
    "(a)",
    "a+b",
  ].flatMap((exclude) =>
    [[], ["b"], ["x.log"], ["*.log"], ["a/"]].map((include) => ({ exclude: [exclude], include, paths })),
  );
  for (const [index, answer] of (await answersOf(table)).entries()) {
    assert.ok(answer, `left to the daemon: ${table[index]!.exclude.join()}`);
    assertAlike(table[index]!, answer);
  }
});

test("with any patterns, Python's packer leaves out the same entries as the TypeScript one, or lets the daemon decide", async () => {
  const plain = fc.constantFrom("a", "b", "*", "**", "*.log", "a*", "?", "a**b", ".*", "+", "x.*");
  const odd = fc.constantFrom("***", "[ab]", "\\a", "#", "a ");
  const part = fc.oneof({ weight: 20, arbitrary: plain }, { weight: 1, arbitrary: odd });
  const pattern = fc
    .tuple(fc.constantFrom("", "!", "/"), fc.array(part, { minLength: 1, maxLength: 3 }), fc.constantFrom("", "", "/"))
    .map(([start, parts, end]) => start + parts.join("/") + end);
  const patterns = fc.array(pattern, { minLength: 1, maxLength: 3 });
  const questions = fc.sample(fc.record({ exclude: patterns, include: patterns, paths: fc.constant(paths) }), 2000);
  const answers = await answersOf(questions);
  for (const [index, answer] of answers.entries()) if (answer) assertAlike(questions[index]!, answer);
  assert.ok(answers.filter(Boolean).length > 200);
});

test("a source that fails while it is sent ends the call with the source's error", async () => {
  const drain = async (_core: unknown, _input: unknown, call: { upload: AsyncIterable<Buffer> }) => {
    for await (const _ of call.upload);
    throw new PyroError("INTERNAL", "The source was sent whole.");
  };
  await using daemon = new Listening(runInShell, {
    others: { "task.sync.push": drain } as unknown as Partial<Handlers>,
  });
  const script = `
import os
from pyro_mcp import Pyro, PyroError
try:
    Pyro(home=os.environ["PYRO_TEST_HOME"]).push_task_sync(
        "task-0123456789ab", "/sys/bus/platform", exclude=["*"], include=["uevent"]
    )
except PyroError as error:
    print(error.code)`;
  // A write-only file: not even root may read it.
  const { stdout, stderr } = await python(["-c", script], { PYRO_TEST_HOME: daemon.home.path });
  assert.equal(stdout.trim(), "SOURCE_UNREADABLE", stderr);
});
