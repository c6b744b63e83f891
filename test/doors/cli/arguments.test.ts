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

test("flags become fields at any position of the line", () => {
  const expected = { environment: "debian:12", vcpu_count: 2, command: "ls -l", json: true };
  assert.deepEqual(inputOf("run debian:12 --vcpu-count 2 --json -- ls -l"), expected);
  assert.deepEqual(inputOf("run --json --vcpu-count=2 debian:12 -- ls -l"), expected);
});

test("--content may be empty, a name may not", () => {
  assert.deepEqual(inputOf("task file write t f --content="), { task_id: "t", path: "f", content: "", json: false });
  assert.throws(() => parse("task create debian:12 --name="), /--name needs a value/);
});

test("--env NAME takes the caller's value, or is skipped when the caller has none", () => {
  const env = { TOKEN: "a=b" };
  const given = ["task", "exec", "t", "-e", "TOKEN", "--env", "OTHER", "--env", "EMPTY=", "--", "ls"];
  const invocation = parseArguments(commands, given, env);
  assert.deepEqual(invocation.kind === "command" && invocation.input["env"], { TOKEN: "a=b", EMPTY: "" });
  assert.throws(() => parse("task exec t --env =x -- ls"), /--env needs NAME=VALUE/);
});

test("everything after -- belongs to the command", () => {
  assert.deepEqual(inputOf("run e -- --json -- -h"), { environment: "e", command: "--json -- -h", json: false });
});

test("help flags work at any position of the line", () => {
  const cases: Record<string, string[]> = {
    "": [],
    help: [],
    "--help": [],
    "help help": [],
    "help version": [],
    "help run": ["run"],
    "help run --help": ["run"],
    "run debian:12 -h": ["run"],
    "env --help": ["env"],
    "env pull --help": ["env", "pull"],
    "task sync --help": ["task", "sync"],
    "help task sync": ["task", "sync"],
    "help task rm": ["task", "delete"],
    "ps --help": ["task", "list"],
  };
  for (const [line, words] of Object.entries(cases)) {
    assert.deepEqual(parse(line), { kind: "help", words, json: false }, line);
  }
  assert.deepEqual(parse("help run --json"), { kind: "help", words: ["run"], json: true });
  assert.deepEqual(parse("run --json --help"), { kind: "help", words: ["run"], json: true });
});

test("every usual spelling prints the version", () => {
  for (const line of ["--version", "-V", "-v", "version", "version --json"]) {
    assert.deepEqual(parse(line), { kind: "version", json: line.includes("json") }, line);
  }
});

test("names of commands in other tools work as aliases", () => {
  const id = "task-0123456789ab";
  const cases: Record<string, string> = {
    ls: "task list",
    ps: "task list",
    [`rm ${id}`]: "task delete",
    "task ls": "task list",
    "task ps": "task list",
    [`task rm ${id}`]: "task delete",
    "env ls": "env list",
    images: "env list",
    "task inspect t": "task status",
    info: "daemon status",
    "env rm debian:12": "env remove",
    "env delete debian:12": "env remove",
  };
  for (const [line, name] of Object.entries(cases)) {
    const invocation = parse(line);
    assert.equal(invocation.kind === "command" && invocation.command.words.join(" "), name, line);
  }
});

test("a wrong command line is refused with the next step", async (t) => {
  const cases: Record<string, RegExp> = {
    rnu: /`pyro run`/,
    "env lst": /`pyro env list`/,
    env: /pyro help env/,
    "help nothing": /pyro help/,
    "--jsn": /pyro help/,
    "task sync": /pyro help task sync/,
    "task sync psh": /`pyro task sync push`/,
    "task snyc push": /`pyro task sync`/,
    exec: /`pyro task exec`/,
    push: /`pyro task sync push`/,
    list: /`pyro env list`.*`pyro task list`|`pyro task list`.*`pyro env list`/,
    run: /pyro run debian:12 -- uname -r/,
    "run -- ls -l": /pyro run debian:12 -- ls -l/,
    "run e ls -l": /pyro run e -- ls -l/,
    "task exec t make test": /pyro task exec t -- make test/,
    "run e --timeout 3 -- ls": /--timeout-seconds/,
    "run e --netwrok -- ls": /--network\?/,
    "run e -it -- sh": /standard input/i,
    "run e --rm -- sh": /removes its VM/,
    "run e --mem-mb 1024 -- ls": /--mem-mib/,
    "run e --mem-mib -- ls": /pyro help run/,
    "run e --mem-mib many -- ls": /pyro help run/,
    "run e --mem-mib= -- ls": /pyro help run/,
    "run e --json=true -- ls": /pyro help run/,
    "run e --": /-- /,
    "run e": /-- /,
    "run e ls": /pyro run e -- ls/,
    "run e -v a:b -- ls": /--source-path/,
    "doctor -v": /^See `pyro help doctor`/,
    "task list -v": /^See `pyro help task list`/,
    "task delete t --force": /does not ask/,
    "task kill t 1": /`pyro task signal TASK SEQUENCE KILL`/,
    "task delete t -f": /does not ask/,
    "task logs t -f": /`pyro task output TASK SEQUENCE --follow`/,
    "task status t -f": /^See `pyro help task status`/,
    "task create e -d": /--background/,
    "task attach t": /`pyro task shell TASK`/,
    "ssh t": /`pyro task shell TASK`/,
    shell: /`pyro task shell`/,
    "commit t x": /`pyro env save TASK NAME`/,
    login: /`docker login`/,
    "network ls": /--network/,
    "task restart t": /`pyro task start TASK`/,
    "daemon restart": /`pyro daemon stop`/,
    stats: /`pyro task status TASK`/,
    "cp a b": /`pyro task sync push`/,
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

test("a group of commands without its last word: the error names the possible next words", () => {
  assert.throws(() => parse("task sync"), /`pyro task sync` needs one of: push/);
  assert.throws(() => parse("env"), /`pyro env` needs one of: list, pull, inspect, /);
});

test("a number out of range: the error names the limits", () => {
  for (const value of ["0", "17", "-1", "1e1", "99999999999999999999"]) {
    assert.throws(() => parse(`run e --vcpu-count ${value} -- ls`), /--vcpu-count .* 1 to 16/);
  }
});
