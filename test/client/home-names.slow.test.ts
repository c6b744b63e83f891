import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { findHomePath } from "../../src/host/home.js";
import { connectStdio } from "../doors/mcp/connect.js";
import { python } from "../python/run.js";
import { endOf, pyroPath, Scratch } from "./scratch.js";

/** "ok" when a door reached a daemon of this home, otherwise the error's code. */
type Door = (env: NodeJS.ProcessEnv) => Promise<string>;

const sdkUrl = new URL("../../src/index.js", import.meta.url).href;
const script = `
const { Pyro } = await import(${JSON.stringify(sdkUrl)});
const home = process.argv[1];
await new Pyro(home ? { home } : {}).listEnvironments().then(() => console.log("ok"), (error) => console.log(error.code));`;
const pythonScript = `
import sys
from pyro_mcp import Pyro, PyroError
try:
    Pyro(home=sys.argv[1] if len(sys.argv) > 1 else None).list_environments()
    print("ok")
except PyroError as error:
    print(error.code)`;

const typescript = async (env: NodeJS.ProcessEnv, cwd: string, ...args: string[]) =>
  (await endOf(spawn(process.execPath, ["--input-type=module", "-e", script, ...args], { env, cwd }))).stdout.trim();

const doors: Readonly<Record<string, Door>> = {
  CLI: async (env) => {
    const { status, stdout } = await endOf(spawn(process.execPath, [pyroPath, "env", "list", "--json"], { env }));
    return status === 0 ? "ok" : (JSON.parse(stdout) as { error: { code: string } }).error.code;
  },
  "MCP serve": async (env) => {
    await using mcp = await connectStdio(env);
    const result = await mcp.call("vm_list_environments");
    const error = result._meta?.["pyro-mcp/error"] as { code: string } | undefined;
    return result.isError ? (error?.code ?? "no code") : "ok";
  },
  "TypeScript SDK": (env) => typescript(env, "/"),
  "Python client": async (env) =>
    (await python(["-c", pythonScript], { ...env, PYRO_EXECUTABLE: pyroPath })).stdout.trim(),
};

class Named extends Scratch {
  readonly user = join(this.directory, "user");
  constructor() {
    super();
    mkdirSync(this.user);
  }
  /** The environment of an MCP client's configuration: no shell has expanded the home. */
  envOf(home: string): NodeJS.ProcessEnv {
    return { ...this.env, HOME: this.user, PYRO_HOME: home };
  }
}

test("a home that is a symbolic link is the directory it leads to, in every door", async () => {
  await using scratch = new Named();
  mkdirSync(scratch.home, { mode: 0o700 });
  const link = join(scratch.directory, "link");
  symlinkSync(scratch.home, link);
  for (const [name, ask] of Object.entries(doors)) assert.equal(await ask(scratch.envOf(link)), "ok", name);
  const status = await scratch.pyro(["daemon", "status", "--json"]);
  const { running, home } = JSON.parse(status.stdout) as { running: boolean; home: string };
  assert.deepEqual([running, home], [true, realpathSync(scratch.home)]);
});

test("`~/` at the head of PYRO_HOME is the user's directory, in every door", async () => {
  await using scratch = new Named();
  symlinkSync(scratch.directory, join(scratch.user, "up"));
  for (const [name, ask] of Object.entries(doors)) assert.equal(await ask(scratch.envOf("~/up/home")), "ok", name);
  const status = await scratch.pyro(["daemon", "status", "--json"]);
  assert.equal((JSON.parse(status.stdout) as { running: boolean }).running, true);
});

test("PYRO_HOME that is not an absolute path, in any spelling: HOME_UNUSABLE", () => {
  for (const home of ["home", "./home", "$HOME/.pyro", "${workspaceFolder}/.pyro", "~other/.pyro"]) {
    assert.throws(() => findHomePath({ PYRO_HOME: home }), { code: "HOME_UNUSABLE" }, home);
  }
});

test("PYRO_HOME=$HOME/.pyro, unexpanded: HOME_UNUSABLE in every door, and nothing is made", async () => {
  const home = "$HOME/.pyro";
  await using scratch = new Named();
  for (const [name, ask] of Object.entries(doors)) assert.equal(await ask(scratch.envOf(home)), "HOME_UNUSABLE", name);
});

test("a program that gives a relative home uses one beneath its working directory", async () => {
  await using scratch = new Named();
  assert.equal(await typescript(scratch.envOf("unused"), scratch.directory, "home"), "ok");
  const env = {
    ...scratch.envOf("unused"),
    PYRO_EXECUTABLE: pyroPath,
    PYTHONPATH: fileURLToPath(new URL("../../../python", import.meta.url)),
  };
  const asked = await endOf(spawn("python3", ["-c", pythonScript, "home"], { env, cwd: scratch.directory }));
  assert.equal(asked.stdout.trim(), "ok", asked.stderr);
  const status = await scratch.pyro(["daemon", "status", "--json"]);
  assert.equal((JSON.parse(status.stdout) as { running: boolean }).running, true);
});
