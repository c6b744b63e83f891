import assert from "node:assert/strict";
import { test } from "node:test";

import { explainFileRefusal, explainTreeRefusal } from "../../../src/core/files/refusal.js";
import { AgentRefusal } from "../../../src/guest/refusal.js";
import { readFile } from "../../../src/guest/files.js";
import { LyingAgent } from "../../guest/lies/lying-agent.js";

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

test("a refusal has one explanation for files, and one with another code for trees", () => {
  const refusal = (errno: string) => new AgentRefusal("list", { code: "IO", message: "refused", errno, path: "d/f" });
  const codesOf = (errno: string) =>
    [explainFileRefusal(refusal(errno), "d/f"), explainTreeRefusal(refusal(errno))].map(
      (error) => (error as { code: string }).code,
    );
  assert.deepEqual(codesOf("ENOENT"), ["FILE_NOT_FOUND", "NOT_FOUND"]);
  assert.deepEqual(codesOf("ENOTDIR"), ["FILE_WRONG_TYPE", "NOT_FOUND"]);
  assert.deepEqual(codesOf("ESTALE"), ["FILE_CHANGED", "WORKSPACE_CHANGED"]);
  assert.deepEqual(codesOf("EIO"), ["FILE_REFUSED", "FILE_REFUSED"]);
  assert.equal(
    (explainTreeRefusal(refusal("EIO")) as Error).message,
    '"d/f" is refused by the task\'s file system: EIO.',
  );
});
