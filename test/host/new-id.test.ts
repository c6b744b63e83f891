import assert from "node:assert/strict";
import { test } from "node:test";

import { readSettings } from "../../src/daemon/settings.js";
import { newId } from "../../src/host/new-id.js";

test("ids of a daemon in a pod begin with the digits of the pod, and differ", () => {
  const env = { PYRO_ID_PREFIX: "0a1b2c" };
  const ids = Array.from({ length: 20 }, () => newId("task", env));
  for (const id of ids) assert.match(id, /^task-0a1b2c[0-9a-f]{6}$/);
  assert.equal(new Set(ids).size, ids.length);
  assert.match(newId("vm", {}), /^vm-[0-9a-f]{12}$/);
});

test("a daemon does not start with a prefix of another form", () => {
  for (const prefix of ["0a1b2", "0A1B2C", "0a1b2c3d", "../../"]) {
    assert.throws(() => readSettings({ PYRO_ID_PREFIX: prefix }), { code: "INVALID_ARGUMENT" }, prefix);
  }
  readSettings({ PYRO_ID_PREFIX: "" });
});
