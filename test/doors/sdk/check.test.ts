import assert from "node:assert/strict";
import { test } from "node:test";

import { CommandFailedError, Pyro, PyroError, type RunOptions } from "../../../src/index.js";
import { Listening, resultOf, runInShell } from "../../daemon/listening.js";

async function failureOf(command: string, options: Omit<RunOptions, "command"> = {}, vmRun = runInShell) {
  await using daemon = new Listening(vmRun);
  const pyro = new Pyro({ home: daemon.home.path });
  try {
    return await pyro.runInVm("debian:12", { command, check: true, ...options });
  } catch (error) {
    assert.ok(error instanceof CommandFailedError && error instanceof PyroError, String(error));
    assert.equal(error.code, "COMMAND_FAILED");
    return error;
  }
}

test("check: a command that ends with exit code 0 returns its result", async () => {
  const result = await failureOf("echo fine");
  assert.ok(!(result instanceof Error));
  assert.equal(result.command, "");
});

test("check: another exit code rejects with COMMAND_FAILED and the result", async () => {
  const error = await failureOf("echo out; exit 7");
  assert.ok(error instanceof CommandFailedError);
  assert.deepEqual(error.details, { exit_code: 7, timed_out: false, aborted: false, oom_killed: false });
  assert.equal(error.result.exitCode, 7);
});

test("check: a time-out rejects with COMMAND_FAILED", async () => {
  const error = await failureOf("sleep 60", { timeoutSeconds: 1 });
  assert.ok(error instanceof CommandFailedError);
  assert.deepEqual(error.details, { exit_code: 124, timed_out: true, aborted: false, oom_killed: false });
});

test("check: a command that ran out of memory rejects with a message that says so", async () => {
  const error = await failureOf("true", {}, async () => ({ ...resultOf(137), oom_killed: true }));
  assert.ok(error instanceof CommandFailedError);
  assert.match(error.message, /137, out of memory/);
  assert.equal(error.details["oom_killed"], true);
});

test("check: a cancelled command rejects with COMMAND_FAILED", async () => {
  const controller = new AbortController();
  const onStdout = () => controller.abort();
  const error = await failureOf("echo begun; exec sleep 60", { signal: controller.signal, onStdout });
  assert.ok(error instanceof CommandFailedError);
  assert.equal(error.result.aborted, true);
});
