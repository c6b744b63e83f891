import assert from "node:assert/strict";
import { readdirSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { fc } from "../property.js";

import { readArchive } from "../../src/archive/read.js";
import { packSource } from "../../src/client/pack/pack.js";
import { Stage } from "../../src/guest/stage.js";
import { anyPlan, plantAny } from "../archive/any-tree.js";
import { factsOfDirectory, ScratchDirectory } from "../archive/trees.js";
import { layOutLinkedProject, leaving } from "../client/linked-project.js";
import { AgentProcess } from "./agent-process.js";

test("any tree that is packed and pushed into an agent's workspace is equal there", async () => {
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

test("links that lead out arrive unchanged, also in place of each other, and nothing is written through them", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  using scratch = new ScratchDirectory();
  const root = layOutLinkedProject(scratch.path);
  const outside = factsOfDirectory(join(scratch.path, "shared"));
  const path = join(agent.workspace, "project");
  const push = async (id: string, source: AsyncIterable<Buffer>) => {
    await using stage = await Stage.open(channel, { path, id });
    for await (const { target, content, ...header } of readArchive(source, { linksMayLeave: true })) {
      await stage.add(target === null ? header : { ...header, target }, content);
    }
    await stage.finish();
    await stage.commit();
  };
  for (const id of ["1", "2"]) await push(id, (await packSource(root)).stream);
  for (const name of leaving) assert.equal(readlinkSync(join(path, name)), readlinkSync(join(root, name)));
  const names = readdirSync(path);
  // The same tree with directories in place of the links.
  const followed = await packSource(root, { links: "follow" });
  await assert.rejects(push("3", followed.stream), { code: "UNSAFE_PATH" });
  assert.deepEqual(readdirSync(path), names);
  assert.deepEqual(factsOfDirectory(join(scratch.path, "shared")), outside);
});
