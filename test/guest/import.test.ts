import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { fc } from "../property.js";

import { readArchive } from "../../src/archive/read.js";
import { packSource } from "../../src/client/pack/pack.js";
import { Stage } from "../../src/guest/stage.js";
import { anyPlan, plantAny } from "../archive/any-tree.js";
import { factsOfDirectory, ScratchDirectory } from "../archive/trees.js";
import { AgentProcess } from "./agent-process.js";

test("any tree packed, pushed into an agent's workspace and looked at there is equal", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  let pushes = 0;
  await fc.assert(
    fc.asyncProperty(anyPlan, async (plan) => {
      using scratch = new ScratchDirectory();
      plantAny(scratch.path, plan);
      pushes += 1;
      const path = join(agent.workspace, `push-${pushes}`);
      await using stage = await Stage.open(channel, { path, id: pushes.toString(16) });
      const { stream, entryCount } = await packSource(scratch.path);
      for await (const { target, content, ...header } of readArchive(stream)) {
        await stage.add(target === null ? header : { ...header, target }, content);
      }
      assert.equal((await stage.finish()).entries, entryCount);
      await stage.commit();
      assert.deepEqual(factsOfDirectory(path), factsOfDirectory(scratch.path));
      rmSync(path, { recursive: true });
    }),
    { numRuns: 20 },
  );
});
