import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Exec } from "../../src/guest/exec.js";
import { runForExit } from "../../src/guest/run-for-exit.js";
import { AgentProcess } from "./agent-process.js";
import { file, stageAll } from "./staging.js";

test("other requests do not time out while many files are committed", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const paths = Array.from({ length: 5_000 }, (_, number) => `d${number % 40}/${number}`);
  for (let folder = 0; folder < 40; folder++) mkdirSync(join(agent.workspace, `d${folder}`));
  for (const path of paths) writeFileSync(join(agent.workspace, path), "old");
  const job = await Exec.start(channel, { command: "exec sleep 60", cwd: "/", env: {}, stdin: null, onOutput: async () => {} });
  const stage = await stageAll(channel, paths.map((path) => file(path, "new")), agent.workspace, "f1");
  await stage.finish();
  const committed = stage.commit();
  // Far less than the commit takes.
  const ping = channel.request("ping", {}, { timeoutMs: 50 });
  const others = [job.signal("TERM"), runForExit(channel, "true")];
  await committed;
  await Promise.all([ping, ...others]);
  assert.equal((await job.finished).signal, "TERM");
  for (const path of paths) assert.equal(readFileSync(join(agent.workspace, path), "utf8"), "new");
});
