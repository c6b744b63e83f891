import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { parse } from "yaml";

import {
  apply,
  applyBase,
  callApi,
  checkout,
  control,
  makeVolume,
  NAMESPACE,
  untilNoPods,
  type Fields,
} from "./cluster.js";
import { Near } from "./near.js";

const PLACE = "/var/lib/pyro-base";
/** Copies the environments of the image, which the node has unpacked. */
const COPY = `set -e; mkdir -p ${PLACE}
from=$(find /var/lib/containerd -path '*/fs/usr/share/pyro/base/environments' -type d | head -n 1)
[ -d ${PLACE}/environments ] || cp -a "$from" ${PLACE}/`;

test("pods mount a base read-only, and use its environments", async () => {
  await applyBase();
  control("node", "1", "sh", "-c", COPY);
  await makeVolume({ name: "base", node: "n1", path: PLACE, mode: "ReadOnlyMany" });
  const claim = parse(readFileSync(join(checkout, "deploy/kubernetes/examples/base-claim.yaml"), "utf8")) as Fields;
  await apply({ ...claim, spec: { ...claim["spec"], storageClassName: "local" } });
  const near = await Near.open({
    spec: { volumes: [{ name: "base", persistentVolumeClaim: { claimName: "pyro-base", readOnly: true } }] },
    container: {
      env: [{ name: "PYRO_BASE", value: "/base" }],
      volumeMounts: [{ name: "base", mountPath: "/base", readOnly: true }],
    },
  });
  try {
    const { environments } = await near.client.call("env.list", {});
    assert.deepEqual(
      environments.filter(({ installed }) => installed).map(({ name }) => name),
      ["debian:12"],
    );
    const run = () => near.client.call("vm.run", { environment: "debian:12", command: ["echo", "from the base"] });
    const ran = await Promise.all([run(), run()]);
    assert.deepEqual(
      ran.map(({ stdout }) => stdout),
      ["from the base\n", "from the base\n"],
    );
  } finally {
    await near[Symbol.asyncDispose]();
    await callApi("DELETE", `/api/v1/namespaces/${NAMESPACE}/persistentvolumeclaims/pyro-base`);
  }
  await untilNoPods();
});
