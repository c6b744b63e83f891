import assert from "node:assert/strict";
import { test } from "node:test";
import type { z } from "zod";

import { PyroError } from "../../src/contract/errors.js";
import { parseInput } from "../../src/contract/input.js";
import { operations } from "../../src/contract/operations.js";
import { readContract } from "../../src/contract/rendered.js";
import { parseArguments } from "../../src/doors/cli/arguments.js";
import { flagOf } from "../../src/doors/cli/command.js";
import { buildCommands } from "../../src/doors/cli/commands.js";
import { readTools } from "../../src/doors/mcp/tools.js";

/** Messages of the schema library that no user should read. */
const forbidden: readonly RegExp[] = [
  /invalid (input|option|string|key|element|value|union)/i,
  /expected (string|number|int|array|record|object|boolean|nonoptional|one of "|$)/i,
  /(pattern|regex)/i,
  /\/\^/,
  /received/i,
  /too (small|big)/i,
  /unrecogni[sz]ed/i,
  /zod/i,
  /\[object|undefined|NaN/,
  />=|<=/,
];

const wrong: readonly unknown[] = [
  ...[null, 1.5, -1, 1e12, true, "", "no such", "a\0b", "x".repeat(70_000), "-"],
  ...[[], [1], [""], [[]], ["x".repeat(70_000)], ["a\0b"]],
  ...[{}, { a: 1 }, { "": "x" }, { "a=b": "x" }, { a: "x".repeat(70_000) }, { "a b": "" }, { a: "a\0b" }],
];

function assertPlain(error: unknown, what: string): void {
  assert.ok(error instanceof PyroError, what);
  const text = [error.message, error.hint, JSON.stringify(error.details["issues"] ?? "")].join("\n");
  for (const pattern of forbidden) assert.doesNotMatch(text, pattern, what);
}

function tryInput(schema: z.ZodObject, input: unknown, what: string): boolean {
  try {
    parseInput(schema, input);
    return false;
  } catch (error) {
    assertPlain(error, `${what} ${JSON.stringify(input)?.slice(0, 200)}`);
    return true;
  }
}

const schemas: readonly (readonly [name: string, schema: z.ZodObject])[] = [
  ...Object.values(operations).map(({ name, input }) => [name, input as z.ZodObject] as const),
  ...[...readTools("full").values()].map(({ name, input }) => [`tool ${name}`, input] as const),
];

test("every field with every wrong value: the error is in plain words", () => {
  let refusals = 0;
  for (const [name, schema] of schemas) {
    for (const field of [...Object.keys(schema.shape), "no_such_field", "enviroment"]) {
      for (const value of wrong) if (tryInput(schema, { [field]: value }, name)) refusals += 1;
    }
    for (const input of [null, [], "x", 1]) assert.ok(tryInput(schema, input, name));
  }
  assert.ok(refusals > 2_000, `${refusals} refusals`);
});

test("every flag and argument of the command line with a wrong value: the error is in plain words", () => {
  const commands = buildCommands(readContract());
  for (const command of commands) {
    const positionals = command.positionals.map(({ name }) => (name === "sequence" ? "1" : "x"));
    const lines = command.flags.flatMap((field) =>
      ["", "x", "-5", "1.5", "99999999999999999999", "="].map((value) => [...positionals, `${flagOf(field)}=${value}`]),
    );
    const short = [[], ["-"], ["--"], ["--no-such"], [...positionals, "more"], ...positionals.map(() => ["1.5", "x"])];
    for (const line of [...lines, ...short]) {
      try {
        parseArguments(commands, [...command.words, ...line], {});
      } catch (error) {
        assertPlain(error, [...command.words, ...line].join(" "));
      }
    }
  }
});

test("an error lists the accepted values, and suggests the nearest one", () => {
  const messageOf = (name: keyof typeof operations, input: object): string => {
    try {
      parseInput(operations[name].input, input);
    } catch (error) {
      return (error as PyroError).message;
    }
    return "";
  };
  const run = { environment: "e", command: "c" };
  assert.match(messageOf("vm.run", { ...run, mem_mib: 1 }), /^mem_mib: .*256/);
  assert.match(messageOf("vm.run", { ...run, mem_mib: "1" }), /^mem_mib: .*whole number.*text/);
  assert.match(messageOf("vm.run", { ...run, env: { "a=b": "" } }), /^env\.a=b: /);
  const signal = { task_id: "t", sequence: 1, signal: "TREM" };
  assert.match(messageOf("task.exec_signal", signal), /^signal: .*TERM.*Did you mean TERM\?/);
});

test("a signal is known by its name, with or without SIG, in any case, and by its number", () => {
  const { input } = operations["task.exec_signal"];
  const of = (signal: unknown) => parseInput(input, { task_id: "t", sequence: 1, signal }).signal;
  assert.deepEqual(
    ["TERM", "SIGTERM", "sigterm", "term", "15", 15].map(of),
    Array.from({ length: 6 }, () => "TERM"),
  );
  assert.deepEqual([of("9"), of(9), of("Kill"), of(undefined)], ["KILL", "KILL", "KILL", "TERM"]);
  for (const signal of ["NOPE", "0", 0, "SIG", "99"]) assert.throws(() => of(signal), { code: "INVALID_ARGUMENT" });
});
