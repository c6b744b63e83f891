// A program of E2B's code interpreter, and of a server in a sandbox.
import assert from "node:assert/strict";
import { get } from "node:http";

import { Sandbox } from "@e2b/code-interpreter";

const sandbox = await Sandbox.create({ timeoutMs: 120_000 });
try {
  const lines = [];
  const first = await sandbox.runCode("x = 20\nprint('hello')\nx + 1", { onStdout: ({ line }) => lines.push(line) });
  assert.deepEqual([first.text, first.logs.stdout, lines], ["21", ["hello\n"], ["hello\n"]]);
  assert.equal((await sandbox.runCode("x * 2")).text, "40");
  assert.equal((await sandbox.runCode("1 / 0")).error.name, "ZeroDivisionError");
  const context = await sandbox.createCodeContext({ cwd: "/tmp" });
  assert.equal((await sandbox.runCode("import os; os.getcwd()", { context })).text, "/tmp");
  assert.equal((await sandbox.listCodeContexts()).length, 3);
  await sandbox.removeCodeContext(context);
  await assert.rejects(sandbox.runCode("import time; time.sleep(60)", { timeoutMs: 1_000 }));
  assert.equal((await sandbox.runCode("x")).text, "20");

  await sandbox.files.write("site/index.html", "served");
  await sandbox.commands.run("python3 -m http.server 3000 --bind 127.0.0.1", { background: true, cwd: "site" });
  const host = sandbox.getHost(3000);
  assert.match(host, /^3000-i[a-z0-9]{19}\.localhost:\d+$/);
  for (const end = Date.now() + 30_000; (await fetchFrom(host)) !== "served";) assert.ok(Date.now() < end, "no server");
} finally {
  await sandbox.kill();
}
console.log("code done");

/** Some resolvers do not know names below localhost; a browser and curl do. */
function fetchFrom(host) {
  const { port } = new URL(`http://${host}`);
  return new Promise((resolve, reject) => {
    const request = get({ host: "127.0.0.1", port, path: "/", headers: { host } }, (response) => {
      let text = "";
      response.on("data", (piece) => (text += piece));
      response.on("end", () => resolve(text));
    });
    request.on("error", reject);
  });
}
