import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { readArchive } from "../../src/archive/read.js";
import { packSource } from "../../src/client/pack/pack.js";
import type { Channel } from "../../src/guest/channel.js";
import { Stage, type StageTotals } from "../../src/guest/stage.js";
import { anyPlan, plantAny } from "../archive/any-tree.js";
import { factsOfDirectory, ScratchDirectory } from "../archive/trees.js";
import { until } from "../client/scratch.js";
import { fc } from "../property.js";
import { AgentProcess } from "./agent-process.js";

let ids = 0;

async function push(channel: Channel, source: string, path: string, isDryRun: boolean): Promise<StageTotals> {
  ids += 1;
  await using stage = await Stage.open(channel, { path, id: ids.toString(16), isDryRun });
  for await (const { target, content, ...header } of readArchive((await packSource(source)).stream)) {
    await stage.add(target === null ? header : { ...header, target }, content);
  }
  const totals = await stage.finish();
  if (!isDryRun) await stage.commit();
  return totals;
}

test("a dry run counts what the push then counts, over any tree that was pushed before", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  let unchanged = 0;
  await fc.assert(
    fc.asyncProperty(anyPlan, anyPlan, async (before, after) => {
      const path = join(agent.workspace, "w");
      for (const plan of [before, after, after]) {
        using scratch = new ScratchDirectory();
        plantAny(scratch.path, plan);
        await until("the push before has cleaned up", () => !readdirSync(agent.workspace).includes(".pyro-staging"));
        const old = factsOfDirectory(agent.workspace);
        const dry = await push(channel, scratch.path, path, true).catch((error: unknown) => codeOf(error));
        assert.deepEqual(factsOfDirectory(agent.workspace), old);
        const real = await push(channel, scratch.path, path, false).catch((error: unknown) => codeOf(error));
        assert.deepEqual(dry, real);
        if (typeof real === "object" && "unchanged" in real) unchanged += real.unchanged;
      }
      rmSync(path, { recursive: true, force: true });
    }),
    { numRuns: 25 },
  );
  assert.ok(unchanged > 20);
});

test("a second push of a tree counts all of it as unchanged", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  await fc.assert(
    fc.asyncProperty(anyPlan, async (plan) => {
      const path = join(agent.workspace, "w");
      using scratch = new ScratchDirectory();
      plantAny(scratch.path, plan);
      await push(channel, scratch.path, path, false);
      const { entries, unchanged } = await push(channel, scratch.path, path, false);
      assert.equal(unchanged, entries);
      rmSync(path, { recursive: true, force: true });
    }),
    { numRuns: 20 },
  );
});

function codeOf(error: unknown): string {
  assert.ok(error instanceof Error && "code" in error, String(error));
  return String(error.code);
}
