import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { linkSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { assertSocketFile, connectSocketFile, ListeningSocket } from "../../src/host/socket-file.js";
import { readAll } from "../../src/host/socket.js";

function scratch(): Disposable & { path: (name: string) => string } {
  const directory = mkdtempSync(join(tmpdir(), "ps-"));
  return {
    path: (name) => join(directory, name),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}

test("a socket passed to a program as a descriptor: its name stays, and the program gets the connections", async () => {
  using directory = scratch();
  const answer = `require("net").createServer((peer) => peer.end("served")).listen({ fd: 3 })`;
  const listening = await ListeningSocket.open(directory.path("agent.sock"));
  const child = spawn(process.execPath, ["-e", answer], { stdio: ["ignore", "ignore", "inherit", listening.fd] });
  listening[Symbol.dispose]();
  try {
    const limits = { deadlineMs: 10_000, maxBytes: 100 };
    // Connects at once, although the program may still be starting.
    assert.equal(await readAll(await connectSocketFile(listening.file), limits), "served");
  } finally {
    child.kill("SIGKILL");
    await once(child, "close");
  }
  await assert.rejects(connectSocketFile(listening.file), { code: "ECONNREFUSED" });
});

test("a program that ends before it has accepted a connection breaks the connection, and nothing else", async () => {
  using directory = scratch();
  const listening = await ListeningSocket.open(directory.path("agent.sock"));
  const child = spawn("sleep", ["60"], { stdio: ["ignore", "ignore", "inherit", listening.fd] });
  listening[Symbol.dispose]();
  await once(child, "spawn");
  const socket = await connectSocketFile(listening.file);
  child.kill("SIGKILL");
  await new Promise((resolve) => socket.once("close", resolve));
  assert.equal((socket.errored as NodeJS.ErrnoException).code, "ECONNRESET");
});

test("no connection to a link, another socket or another file that replaced the socket", async () => {
  using directory = scratch();
  using own = await ListeningSocket.open(directory.path("own"));
  using other = await ListeningSocket.open(directory.path("other"));
  const { path, identity } = own.file;
  await assertSocketFile(own.file);
  const places: Readonly<Record<string, () => void>> = {
    nothing: () => {},
    "a link": () => symlinkSync(other.file.path, path),
    "a link to itself": () => symlinkSync(path, path),
    "another name of another socket": () => linkSync(other.file.path, path),
    "a file": () => writeFileSync(path, ""),
  };
  for (const [what, put] of Object.entries(places)) {
    rmSync(path, { force: true });
    put();
    await assert.rejects(connectSocketFile({ path, identity }), { code: "VM_START_FAILED" }, what);
    const isSocket = what === "another name of another socket";
    const unknown = assertSocketFile({ path, identity: null });
    // For a VM of an earlier version, all that is known is that it is a socket.
    await (isSocket ? unknown : assert.rejects(unknown, { code: "VM_START_FAILED" }, what));
  }
  rmSync(path);
  const again = createServer().listen(path);
  await once(again, "listening");
  await assert.rejects(assertSocketFile({ path, identity }), { code: "VM_START_FAILED" });
  again.close();
});
