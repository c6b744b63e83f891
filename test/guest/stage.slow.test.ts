import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Exec } from "../../src/guest/exec.js";
import { runForExit } from "../../src/guest/run-for-exit.js";
import { AgentProcess } from "./agent-process.js";
import { file, stageAll } from "./staging.js";

/** Far less than the commit takes here. */
const PATIENCE_MS = 500;

test("other requests do not time out while many files are committed", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  const paths = Array.from({ length: 1_000 }, (_, number) => `d${number % 40}/${number}`);
  for (let folder = 0; folder < 40; folder++) mkdirSync(join(agent.workspace, `d${folder}`));
  for (const path of paths) writeFileSync(join(agent.workspace, path), "old");
  const job = await Exec.start(channel, {
    command: "exec sleep 60",
    cwd: "/",
    env: {},
    stdin: null,
    onOutput: async () => {},
  });
  const stage = await stageAll(
    channel,
    paths.map((path) => file(path, "new")),
    agent.workspace,
    "f1",
  );
  await stage.finish();
  agent.setStill(true);
  const committed = stage.commit();
  const ping = channel.request("ping", {}, { timeoutMs: PATIENCE_MS });
  const others = [job.signal("TERM"), runForExit(channel, "true")];
  // Only the time must pass here.
  await sleep(2 * PATIENCE_MS);
  agent.setStill(false);
  await committed;
  await Promise.all([ping, ...others]);
  assert.equal((await job.finished).signal, "TERM");
  for (const path of paths) assert.equal(readFileSync(join(agent.workspace, path), "utf8"), "new");
});
