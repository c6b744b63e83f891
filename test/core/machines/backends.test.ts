import assert from "node:assert/strict";
import { test } from "node:test";

import type { Backend } from "../../../src/backend/backend.js";
import { PyroError } from "../../../src/contract/errors.js";
import { Backends } from "../../../src/core/machines/backends.js";

const unable = new PyroError("HOST_NOT_ABLE", "There is no QEMU.");
const request = { environment: "debian:12", vcpuCount: 1, memMib: 256, allowHostCompat: false, network: null };
const network = { allow: [], deny: [], allowHosts: [], hostEnv: {}, hostCaFiles: null };

function backend(name: string, missing: Error | null): Backend {
  const capabilities = { executionMode: name, network: name === "vms", snapshots: false };
  return { name, capabilities, check: async () => missing } as Partial<Backend> as Backend;
}

test("backends: found by name, and FAILED_PRECONDITION for a name of another version", () => {
  const [vms, fallback] = [backend("vms", null), backend("fallback", null)];
  const backends = new Backends(vms, fallback);
  assert.equal(backends.get("fallback"), fallback);
  assert.deepEqual(backends.all, [vms, fallback]);
  assert.throws(() => backends.get("later"), { code: "FAILED_PRECONDITION", details: { backend: "later" } });
});

test("backends: VMs where they run; else the fallback only for a caller who allows it and wants no network", async () => {
  const fallback = backend("fallback", null);
  const able = new Backends(backend("vms", null), fallback);
  assert.deepEqual(await able.choose({ ...request, allowHostCompat: true }), { backend: able.vms, why: null });
  const without = new Backends(backend("vms", unable), fallback);
  await assert.rejects(without.choose(request), { code: "HOST_NOT_ABLE" });
  assert.deepEqual(await without.choose({ ...request, allowHostCompat: true }), { backend: fallback, why: unable });
  const withNetwork = { ...request, allowHostCompat: true, network };
  await assert.rejects(without.choose(withNetwork), { code: "HOST_NOT_ABLE", details: { missing: "network" } });
});
