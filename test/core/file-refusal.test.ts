import assert from "node:assert/strict";
import { test } from "node:test";

import { explainFileRefusal } from "../../src/core/files/refusal.js";
import { readFile } from "../../src/guest/files.js";
import { LyingAgent } from "../guest/lies/lying-agent.js";

test("an agent that does not know an operation on files: the error says to create the task again", async () => {
  await using agent = await LyingAgent.listen({
    tell: (old, stream) =>
      old.frame("response", stream, { ok: false, error: { code: "UNSUPPORTED", message: "no such operation" } }),
  });
  const channel = await agent.connect();
  const reading = readFile(channel, "/f").content().next();
  const refusal = await reading.then(
    () => assert.fail("it was read"),
    (error: unknown) => explainFileRefusal(error, "f"),
  );
  const { code, hint } = refusal as { code: string; hint: string };
  assert.deepEqual([code, hint], ["FAILED_PRECONDITION", "Create the task again."]);
  channel.close();
});
