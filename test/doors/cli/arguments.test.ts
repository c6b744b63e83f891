import assert from "node:assert/strict";
import { test } from "node:test";

import { PyroError } from "../../../src/contract/errors.js";
import { readContract } from "../../../src/contract/rendered.js";
import { parseArguments } from "../../../src/doors/cli/arguments.js";
import { buildCommands } from "../../../src/doors/cli/commands.js";

const commands = buildCommands(readContract());
const parse = (line: string) => parseArguments(commands, line === "" ? [] : line.split(" "));

function inputOf(line: string): unknown {
  const invocation = parse(line);
  assert.equal(invocation.kind, "command");
  return invocation.kind === "command" ? { ...invocation.input, json: invocation.json } : null;
}

test("flags become fields, wherever they stand", () => {
  const expected = { environment: "debian:12", vcpu_count: 2, command: "ls -l", json: true };
  assert.deepEqual(inputOf("run debian:12 --vcpu-count 2 --json -- ls -l"), expected);
  assert.deepEqual(inputOf("run --json --vcpu-count=2 debian:12 -- ls -l"), expected);
});

test("after -- everything is the command's", () => {
  assert.deepEqual(inputOf("run e -- --json -- -h"), { environment: "e", command: "--json -- -h", json: false });
});

test("help can be asked for everywhere", () => {
  assert.deepEqual(parse(""), { kind: "help", words: [] });
  assert.deepEqual(parse("help"), { kind: "help", words: [] });
  assert.deepEqual(parse("help run"), { kind: "help", words: ["run"] });
  assert.deepEqual(parse("run debian:12 -h"), { kind: "help", words: ["run"] });
  assert.deepEqual(parse("env --help"), { kind: "help", words: ["env"] });
  assert.deepEqual(parse("env pull --help"), { kind: "help", words: ["env", "pull"] });
  assert.deepEqual(parse("--version"), { kind: "version" });
});

test("a wrong line is refused with the next step", async (t) => {
  const cases: Record<string, RegExp> = {
    rnu: /`pyro run`/,
    "env lst": /`pyro env list`/,
    env: /pyro help env/,
    "help nothing": /pyro help/,
    "--jsn": /pyro help/,
    "run e --mem-mb 1024 -- ls": /--mem-mib/,
    "run e --mem-mib -- ls": /pyro help run/,
    "run e --mem-mib many -- ls": /pyro help run/,
    "run e --mem-mib= -- ls": /pyro help run/,
    "run e --json=true -- ls": /pyro help run/,
    "run -- ls": /pyro help run/,
    "run e --": /-- /,
    "run e": /-- /,
    "run e ls": /pyro run debian:12 -- ls/,
    "env list more": /pyro help env list/,
  };
  for (const [line, hint] of Object.entries(cases)) {
    await t.test(line, () => {
      assert.throws(
        () => parse(line),
        (error) => error instanceof PyroError && error.code === "INVALID_ARGUMENT" && hint.test(error.hint),
      );
    });
  }
});

test("numbers out of range name the limits", () => {
  for (const value of ["0", "17", "-1", "1e1", "99999999999999999999"]) {
    assert.throws(() => parse(`run e --vcpu-count ${value} -- ls`), /--vcpu-count .* 1 to 16/);
  }
});
