import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { join } from "node:path";

import { VmScratch } from "../../vm/vm-scratch.js";
import { programs, RunningGateway } from "./running.js";

let scratch: VmScratch;
before(async () => void (scratch = new VmScratch()));
after(() => scratch[Symbol.asyncDispose]());

test("e2b serve: unmodified programs of E2B's SDKs run in VMs of pyro", async () => {
  await using gateway = await RunningGateway.open(scratch);
  for (const name of ["tour", "code"]) {
    const { status, stdout, stderr } = await gateway.run(process.execPath, [join(programs, `${name}.mjs`)]);
    assert.deepEqual([status, stdout], [0, `${name} done\n`], stderr);
  }
});
