import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";

import { until } from "../client/scratch.js";
import { apply, callApi, IMAGE, kubeconfigOf, NAMESPACE, readLog, untilNoPods } from "./cluster.js";
import { Near, useNear } from "./near.js";

let near: Near;
useNear((opened) => void (near = opened));

test("a pod of the cluster is a client, by its service account and without a kubeconfig", async () => {
  const metadata = { name: "client" };
  await apply({ apiVersion: "v1", kind: "ServiceAccount", metadata });
  await apply({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata,
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "pyro" },
    subjects: [{ kind: "ServiceAccount", name: "client", namespace: NAMESPACE }],
  });
  const script = [
    `pyro context add near kubernetes:///${NAMESPACE} --image ${IMAGE}`,
    "pyro context check near",
    "pyro run --context near debian:12 -- sh -c 'echo inside; exit 3'",
    'echo "status $?"',
    "pyro context remove near",
  ].join("; ");
  const places = ["/var/lib/pyro", "/tmp"];
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata,
    spec: {
      serviceAccountName: "client",
      restartPolicy: "Never",
      securityContext: { runAsNonRoot: true, fsGroup: 10_001, seccompProfile: { type: "RuntimeDefault" } },
      volumes: places.map((_, i) => ({ name: `place-${i}`, emptyDir: {} })),
      containers: [
        {
          name: "client",
          image: IMAGE,
          command: ["sh", "-c", script],
          resources: { requests: { cpu: "50m" } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
          volumeMounts: places.map((mountPath, i) => ({ name: `place-${i}`, mountPath })),
        },
      ],
    },
  };
  // Kubernetes 1.20 refuses a pod until its service account has a token.
  const isAccepted = () =>
    callApi("POST", `/api/v1/namespaces/${NAMESPACE}/pods`, pod).then(
      () => true,
      (error: Error) => {
        if (!/No API token found/.test(error.message)) throw error;
        return false;
      },
    );
  await until("the pod is accepted", isAccepted);
  const path = `/api/v1/namespaces/${NAMESPACE}/pods/client`;
  try {
    const hasEnded = async () => ["Succeeded", "Failed"].includes((await callApi("GET", path))["status"].phase);
    await until("the client has ended", hasEnded, 300);
    const log = await readLog("client");
    assert.match(log, /^rights +ok/m, log);
    assert.match(log, /^pod +ok/m, log);
    assert.match(log, /^inside\nstatus 3$/m, log);
  } finally {
    await callApi("DELETE", `${path}?gracePeriodSeconds=0`);
  }
  await untilNoPods();
});

test("through a proxy: requests, streams and ports", async () => {
  let count = 0;
  const proxy = createServer().on("connect", ({ url = "" }, socket, head: Buffer) => {
    count += 1;
    const [host = "", port = ""] = url.split(":");
    const target = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connected\r\n\r\n");
      target.write(head);
      socket.pipe(target).pipe(socket);
    });
    target.on("error", () => socket.destroy());
    socket.on("error", () => target.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const config = readFileSync(kubeconfigOf("pyro"), "utf8");
  const through = `cluster: {proxy-url: "http://127.0.0.1:${(proxy.address() as AddressInfo).port}", server:`;
  const kubeconfig = join(near.directory, "proxied");
  writeFileSync(kubeconfig, config.replace("cluster: {server:", through));
  const far = await Near.open({ kubeconfig });
  try {
    const words = ["run", "debian:12", "--", "sh", "-c", "cat; exit 4"];
    const { status, stdout, stderr } = await far.pyro(words, { input: "through\n" });
    assert.deepEqual([status, stdout], [4, "through\n"], stderr);
    assert.ok(count >= 2, `${count} connections`);
    const { task_id } = await far.client.call("task.create", { environment: "debian:12" });
    const command = "python3 -m http.server 8000 --bind 127.0.0.1 --directory /etc";
    await far.client.call("task.service.start", { task_id, name: "web", command, ready: "http:8000/" });
    const { url } = await far.client.call("task.port.publish", { task_id, port: 8000 });
    const before = count;
    assert.match(await (await fetch(`${url}/os-release`)).text(), /Debian/);
    assert.ok(count > before, "the port's connection goes through the proxy");
    await far.client.call("task.delete", { task_id });
  } finally {
    await far[Symbol.asyncDispose]();
    proxy.close();
  }
});

test("a VM in a pod has no network, and says why", async () => {
  const { status, stdout } = await near.pyro(["run", "debian:12", "--network", "--json", "--", "true"]);
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string; hint: string } };
  assert.deepEqual([status, error.code], [125, "HOST_NOT_ABLE"]);
  assert.match(`${error.message} ${error.hint}`, /no network in a container.*Do without --network/);
});
