import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { after, before, test } from "node:test";

import type { ErrorBody } from "../../src/contract/errors.js";
import type { OperationName } from "../../src/contract/operations.js";
import { openHttp } from "./http.js";
import { undoForModel } from "./model.js";
import { normalize } from "./normal.js";
import type { Answer, Input, Place, Request, Runner } from "./runner.js";
import { makeSources } from "./sources.js";
import type { Case } from "./table/case.js";

/** The doors that are compared, each with the place where it is used; the others are compared with the first. */
export interface Compared {
  readonly doors: readonly { readonly open: (place: Place) => Runner; readonly place: Place }[];
  /** The home whose daemon gets the calls that a door does not offer. */
  readonly standIn: Place;
  /** Starts its daemon. */
  start(): Promise<unknown>;
  close(): Promise<void>;
}

/** The answers of one door to the whole table, with sources of its own; null for calls that it does not offer. */
async function answerAll(runner: Runner, standIn: Runner, table: readonly Case[]): Promise<(Answer | null)[]> {
  const sources = makeSources();
  try {
    const answers = await answerEach(runner, standIn, { table, sources });
    return JSON.parse(JSON.stringify(answers).replaceAll(sources, "/sources")) as (Answer | null)[];
  } finally {
    rmSync(sources, { recursive: true });
  }
}

async function answerEach(
  runner: Runner,
  standIn: Runner,
  { table, sources }: { readonly table: readonly Case[]; readonly sources: string },
): Promise<(Answer | null)[]> {
  const answers: (Answer | null)[] = [];
  const ids: Record<string, unknown> = {
    ...{ $task: "task-000000000000", $vm: "vm-000000000000", $sequence: 1 },
    ...{ $fork: "task-000000000000", $snapshot: "snap-000000000000" },
  };
  for (const each of table) {
    const { operation, input, stdin, cancel = false, clientOnly = false } = each;
    const how = { ...(stdin === undefined ? {} : { stdin }), cancel, clientOnly };
    const request = { operation, input: fill(input, ids, sources), ...how };
    const answer = runner.offers(request) ? await callInTime(runner, request, each) : null;
    answers.push(answer);
    // Calls that a door does not offer are made over HTTP, so that its task has had the same commands.
    remember(ids, operation, answer ?? (isForAll(each) ? await standIn.call(request) : null));
  }
  return answers;
}

/** The time-out of a command that did not print before a shorter one, since the machine is busy. */
const PATIENT_SECONDS = 60;

/** Calls again with a longer time-out when a command of a VM of its own has timed out before it printed what is expected. */
async function callInTime(runner: Runner, request: Request, { operation, expect }: Case): Promise<Answer> {
  const answer = await runner.call(request);
  if (operation !== "vm.run" || typeof expect === "string" || !expect["timed_out"] || !expect["stdout"]) return answer;
  if (!("result" in answer) || answer.result["timed_out"] !== true || answer.result["stdout"] !== "") return answer;
  return runner.call({ ...request, input: { ...request.input, timeout_seconds: PATIENT_SECONDS } });
}

/** Calls that change a task; every door's task must have had them. */
function isForAll({ operation, clientOnly }: Case): boolean {
  if (clientOnly === true) return false;
  const changing: readonly OperationName[] = ["task.create", "task.exec", "task.stop", "task.start", "task.delete"];
  return (
    changing.includes(operation) ||
    /^task\.(file\.|service\.|snapshot\.(create|delete)|shell\.(open|write|close))/.test(operation)
  );
}

const remembered: Partial<Record<OperationName, readonly [id: string, field: (result: Input) => unknown]>> = {
  "task.create": ["$task", ({ task_id }) => task_id],
  "task.fork": ["$fork", ({ tasks }) => (tasks as Input[])[0]?.["task_id"]],
  "task.snapshot.create": ["$snapshot", ({ snapshot_id }) => snapshot_id],
  "vm.create": ["$vm", ({ vm_id }) => vm_id],
  "task.exec": ["$sequence", ({ sequence }) => sequence],
};

/** Later cases refer to the newest task or VM. */
function remember(ids: Record<string, unknown>, operation: OperationName, answer: Answer | null): void {
  const [id, field] = remembered[operation] ?? [];
  if (id && field && answer && "result" in answer) ids[id] = field(answer.result);
}

/** Fields with paths of the client's machine. */
const PATHS = new Set(["source_path", "output"]);

function fill(input: Input, ids: Record<string, unknown>, sources: string): Input {
  return Object.fromEntries(
    Object.entries(input).map(([key, value]) => {
      const path = PATHS.has(key) ? String(value).replace("$source", sources) : value;
      return [key, ids[String(value)] ?? path];
    }),
  );
}

function assertExpected({ expect }: Case, answer: Answer): void {
  if (typeof expect === "string") {
    assert.equal(errorOf(answer)?.code ?? `a result: ${JSON.stringify(answer)}`, expect);
    return;
  }
  assert.ok("result" in answer, JSON.stringify(answer).slice(0, 1000));
  const found = Object.fromEntries(Object.keys(expect).map((name) => [name, answer.result[name]]));
  assert.deepEqual(found, expect);
}

/** The error that a call failed with, or that its command ended with. */
function errorOf(answer: Answer): ErrorBody | null {
  return "error" in answer ? answer.error : ((answer.result["error"] ?? null) as ErrorBody | null);
}

function assertSame(runner: string, { ownWords = [] }: Case, answer: Answer, first: Answer): void {
  if (ownWords.includes(runner) && "error" in first) {
    assert.equal("error" in answer && answer.error.code, first.error.code);
  } else assert.deepEqual(normalize(answer), normalize(first));
}

/** A comparison whose failure names the door. */
function inDoor(name: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (error instanceof Error) error.message = `${name}: ${error.message}`;
    throw error;
  }
}

/** Declares one test for each case; it compares the answers of all doors. */
export function compare(openCompared: () => Promise<Compared>, table: readonly Case[]): void {
  let compared: Compared;
  const answers: [string, (Answer | null)[]][] = [];
  before(async () => {
    compared = await openCompared();
    // HTTP starts no daemon.
    await compared.start();
    for (const { open, place } of compared.doors) {
      await using runner = open(place);
      answers.push([runner.name, await answerAll(runner, openHttp(compared.standIn), table)]);
    }
  });
  after(() => compared.close());
  for (const [index, each] of table.entries()) {
    test(`${index + 1}. ${each.name} (${each.operation})`, () => {
      const given = answers.flatMap(([name, all]) => (all[index] ? [[name, all[index]] as const] : []));
      const [, first] = given[0]!;
      for (const [name, shown] of given) {
        inDoor(name, () => {
          const answer = name === "MCP" ? undoForModel(shown, first) : shown;
          assertExpected(each, answer);
          assertSame(name, each, answer, first);
        });
      }
      assert.ok(given.length > 1, "a comparison needs more than one door");
    });
  }
}
