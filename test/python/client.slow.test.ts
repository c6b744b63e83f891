import assert from "node:assert/strict";
import { test } from "node:test";

import { pyroPath, Scratch, until } from "../client/scratch.js";
import { Listening, runInShell } from "../daemon/listening.js";
import { python } from "./run.js";

test("the Python client's calls, against a daemon that runs commands in the host's shell", async () => {
  await using daemon = new Listening(runInShell);
  const { status, stderr } = await python(["-W", "error", "-m", "unittest", "tests.test_calls", "tests.test_async"], {
    PYRO_TEST_HOME: daemon.home.path,
  });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /Ran \d\d tests/);
  await until("every call has ended", () => daemon.lifetime.isIdle());
});

test("the Python client starts the daemon of its executable, and uses one that runs", async () => {
  await using scratch = new Scratch();
  const script = `
from pyro_mcp import Pyro, PyroError
print(len(Pyro().list_environments()["environments"]))`;
  const call = () => python(["-c", script], { ...scratch.env, PYRO_EXECUTABLE: pyroPath });
  const [first, second] = await Promise.all([call(), call()]);
  assert.deepEqual([first.status, second.status], [0, 0], first.stderr + second.stderr);
  const { stdout } = await scratch.pyro(["daemon", "status", "--json"]);
  assert.equal((JSON.parse(stdout) as { running: boolean }).running, true);
});

test("an absurd default time-out is refused with the variable, its value and its limits", async () => {
  await using scratch = new Scratch();
  const script = `
import json
from pyro_mcp import Pyro, PyroError
try:
    Pyro().run_in_vm("debian:12", command="true")
except PyroError as error:
    print(json.dumps([error.code, error.details]))`;
  for (const value of ["NaN", "-1", "1.5", "\u0663", "86401", "0", "9".repeat(5000)]) {
    const { stdout } = await python(["-c", script], {
      ...scratch.env,
      PYRO_EXECUTABLE: pyroPath,
      PYRO_TIMEOUT_SECONDS: value,
      PYTHONIOENCODING: "utf-8",
    });
    const details = { variable: "PYRO_TIMEOUT_SECONDS", value: value.slice(0, 100), minimum: 1, maximum: 86_400 };
    assert.deepEqual(JSON.parse(stdout), ["INVALID_ARGUMENT", details]);
  }
});

test("a daemon that cannot start, or a missing executable: the Python client raises the reason", async () => {
  await using scratch = new Scratch();
  const script = `
from pyro_mcp import Pyro, PyroError
try:
    Pyro().doctor()
except PyroError as error:
    print(error.code)`;
  const codeOf = async (env: NodeJS.ProcessEnv) =>
    (await python(["-c", script], { ...scratch.env, PYRO_EXECUTABLE: pyroPath, ...env })).stdout.trim();
  assert.equal(await codeOf({ PYRO_DAEMON_IDLE_SECONDS: "soon" }), "INVALID_ARGUMENT");
  assert.equal(await codeOf({ PYRO_HOME: "/proc/pyro/home" }), "HOME_UNUSABLE");
  const { PATH } = process.env;
  const withoutPyro = PATH?.split(":").filter((directory) => !directory.includes("node_modules")) ?? [];
  assert.equal(await codeOf({ PYRO_EXECUTABLE: "", PATH: withoutPyro.join(":") }), "HOST_NOT_ABLE");
});
