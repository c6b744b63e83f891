import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";

import type { Handler } from "../../../src/core/core.js";
import { openProgress } from "../../../src/doors/cli/progress.js";
import { pyroPath, until } from "../../client/scratch.js";
import { Listening, resultOf } from "../../daemon/listening.js";

/** A daemon that builds until the test ends the build, and reports two phases. */
class Building implements AsyncDisposable {
  finish = () => {};
  readonly #finished = new Promise<void>((resolve) => (this.finish = resolve));
  readonly daemon: Listening;

  constructor() {
    const build = async (call: Parameters<Handler<"vm.run">>[2]) => {
      for (const phase of ["check", "install"]) await call.emit({ event: "progress", phase, message: "Working" });
      await this.#finished;
    };
    const vmRun: Handler<"vm.run"> = async (_core, _input, call) => {
      await build(call);
      return resultOf(0);
    };
    const create = async (_core: unknown, _input: unknown, call: Parameters<Handler<"vm.run">>[2]) => {
      await build(call);
      throw new Error("no task is made here");
    };
    this.daemon = new Listening(vmRun, { others: { "task.create": create as never, "env.pull": create as never } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.finish();
    await this.daemon[Symbol.asyncDispose]();
  }
}

const line = (prefix: string, phase: string) => `[${prefix}] phase=${phase} environment=debian:12\n`;
const cases: [words: readonly string[], expected: string][] = [
  [["run", "debian:12", "--", "true"], line("run", "install")],
  [["run", "debian:12", "--json", "--", "true"], line("run", "install")],
  [["task", "create", "debian:12"], line("create", "install")],
  [["task", "create", "debian:12", "--json"], line("create", "install")],
  [["env", "pull", "debian:12"], line("pull", "check") + line("pull", "install")],
  [["env", "pull", "debian:12", "--json"], line("pull", "check") + line("pull", "install")],
];

for (const [words, expected] of cases) {
  test(`${words.join(" ")}, not on a terminal: says on standard error what is built while it waits`, async () => {
    await using building = new Building();
    const child = spawn(process.execPath, [pyroPath, ...words], { env: building.daemon.env });
    const ended = once(child, "close");
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.stdin.end();
    await until("the phase is printed", () => stderr === expected);
    assert.equal(stdout, "");
    building.finish();
    await ended;
    if (words.includes("--json")) JSON.parse(stdout);
  });
}

test("a run that ends within two seconds prints no phase", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { mock } = t.mock.method(process.stderr, "write", () => true);
  const open = () => openProgress("debian:12", { prefix: "run", isPatient: true });
  const report = { phase: "install", message: "Working" };
  const short = open();
  short.show(report);
  t.mock.timers.tick(1_900);
  short.clear();
  t.mock.timers.tick(60_000);
  assert.equal(mock.callCount(), 0);
  open().show(report);
  t.mock.timers.tick(2_000);
  assert.deepEqual(mock.calls[0]?.arguments, [line("run", "install")]);
});
