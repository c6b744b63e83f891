import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, InMemoryTransport } from "@modelcontextprotocol/client";

import { createServer, Pyro } from "../../../src/index.js";
import { Listening, resultOf } from "../../daemon/listening.js";

test("an MCP server that a program starts has pyro's tools and uses the daemon of its home", async () => {
  await using daemon = new Listening(async () => ({ ...resultOf(0), stdout: "from the tool\n" }));
  const runtime = process.env["XDG_RUNTIME_DIR"];
  process.env["XDG_RUNTIME_DIR"] = daemon.env["XDG_RUNTIME_DIR"];
  try {
    const home = daemon.home.path;
    for (const server of [createServer({ home }), Pyro.createServer({ home }), new Pyro({ home }).createServer()]) {
      const [ours, theirs] = InMemoryTransport.createLinkedPair();
      await server.connect(theirs);
      const client = new Client({ name: "test", version: "1.0.0" });
      await client.connect(ours);
      const { tools } = await client.listTools();
      assert.ok(tools.some(({ name }) => name === "vm_run"));
      const call = { name: "vm_run", arguments: { environment: "debian:12", command: "true" } };
      const { structuredContent } = await client.callTool(call);
      assert.equal((structuredContent as { stdout: string }).stdout, "from the tool\n");
      await client.close();
      await server.close();
    }
  } finally {
    if (runtime === undefined) delete process.env["XDG_RUNTIME_DIR"];
    else process.env["XDG_RUNTIME_DIR"] = runtime;
  }
});
