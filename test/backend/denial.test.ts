import assert from "node:assert/strict";
import { test } from "node:test";

import { buildPermission } from "../../src/backend/qemu/denial.js";

test("a daemon that may not read a VM's memory: the next step fits the rule that forbids it", () => {
  const step = (scope: number | null, isRoot: boolean, isCapable: boolean) =>
    buildPermission({ scope, isRoot, isCapable });
  assert.match(step(1, true, false), /--cap-add SYS_PTRACE/);
  assert.match(step(null, true, false), /--cap-add SYS_PTRACE/);
  assert.match(step(2, false, false), /^sudo sysctl kernel\.yama\.ptrace_scope=1$/);
  // The kernel does not allow lowering this setting.
  assert.match(step(3, false, false), /restart the host/);
  assert.match(step(3, true, true), /restart the host/);
});
