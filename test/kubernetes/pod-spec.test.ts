import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { buildPod, fieldsOf, listOf, parseMib, podOf, type PodWish } from "../../src/client/kubernetes/pod-spec.js";
import { readPodTemplate } from "../../src/client/kubernetes/pod-template.js";

const wish: PodWish = {
  name: "pyro-1a2b3c",
  kind: "task",
  image: "registry.example/pyro:1",
  vcpuCount: 2,
  memMib: 1_024,
  diskMib: 10_240,
  deadlineSeconds: 604_800,
  taskName: "web",
  claim: null,
  version: "1.2.3",
  template: null,
};

/** The container of pyro in a built pod. */
function containerOf(pod: Readonly<Record<string, unknown>>) {
  return listOf(fieldsOf(pod["spec"])["containers"])[0] ?? {};
}

test("the pod of a task is one of the profile `restricted`, of fields that Kubernetes 1.20 has", () => {
  assert.deepEqual(buildPod(wish), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "pyro-1a2b3c",
      labels: {
        "app.kubernetes.io/name": "pyro",
        "app.kubernetes.io/managed-by": "pyro",
        "pyro.dev/kind": "task",
        "pyro.dev/name": "web",
      },
      annotations: { "pyro.dev/version": "1.2.3" },
    },
    spec: {
      terminationGracePeriodSeconds: 1,
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      activeDeadlineSeconds: 604_800,
      securityContext: { runAsNonRoot: true, fsGroup: 10_001, seccompProfile: { type: "RuntimeDefault" } },
      tolerations: ["not-ready", "unreachable"].map((state) => ({
        key: `node.kubernetes.io/${state}`,
        operator: "Exists",
        effect: "NoExecute",
        tolerationSeconds: 5,
      })),
      volumes: [
        { name: "pyro-home", emptyDir: {} },
        { name: "pyro-tmp", emptyDir: {} },
      ],
      containers: [
        {
          name: "pyro",
          image: "registry.example/pyro:1",
          env: [
            { name: "PYRO_ID_PREFIX", value: "1a2b3c" },
            { name: "PYRO_DAEMON_IDLE_SECONDS", value: "300" },
            { name: "PYRO_MAX_MEMORY", value: "1408" },
          ],
          resources: {
            requests: { cpu: "500m", memory: "1664Mi", "ephemeral-storage": "1Gi" },
            limits: { cpu: "3", memory: "1664Mi", "ephemeral-storage": "12288Mi" },
          },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
          volumeMounts: [
            { name: "pyro-home", mountPath: "/var/lib/pyro" },
            { name: "pyro-tmp", mountPath: "/tmp" },
          ],
        },
      ],
    },
  });
});

test("a template adds to the pod, and cannot take what pyro needs", async () => {
  const directory = mkdtempSync(join(tmpdir(), "pt-pod-"));
  const path = join(directory, "pod.yaml");
  writeFileSync(
    path,
    `
kind: Pod
metadata: {labels: {team: a, pyro.dev/kind: other}}
spec:
  restartPolicy: Always
  nodeSelector: {disk: fast}
  tolerations: [{key: vm, operator: Exists}]
  securityContext: {runAsUser: 5}
  volumes: [{name: pyro-home, persistentVolumeClaim: {claimName: work}}]
  containers:
  - {name: sidecar, image: x}
  - name: pyro
    image: other
    env: [{name: HTTPS_PROXY, value: "http://p"}]
    resources: {limits: {memory: 4Gi, devices.kubevirt.io/kvm: 1}}
`,
  );
  const pod = buildPod({ ...wish, template: await readPodTemplate(path), deadlineSeconds: null });
  rmSync(directory, { recursive: true });
  const spec = fieldsOf(pod["spec"]);
  assert.equal(fieldsOf(fieldsOf(pod["metadata"])["labels"])["team"], "a");
  assert.equal(fieldsOf(fieldsOf(pod["metadata"])["labels"])["pyro.dev/kind"], "task");
  assert.deepEqual([spec["restartPolicy"], spec["nodeSelector"]], ["Never", { disk: "fast" }]);
  assert.equal("activeDeadlineSeconds" in spec, false);
  assert.equal(listOf(spec["tolerations"]).length, 3);
  assert.deepEqual(fieldsOf(spec["securityContext"]), {
    runAsNonRoot: true,
    fsGroup: 10_001,
    seccompProfile: { type: "RuntimeDefault" },
    runAsUser: 5,
  });
  assert.deepEqual(
    listOf(spec["volumes"]).map(({ name }) => name),
    ["pyro-home", "pyro-tmp"],
  );
  assert.deepEqual(
    listOf(spec["containers"]).map(({ name, image }) => [name, image]),
    [
      ["pyro", "registry.example/pyro:1"],
      ["sidecar", "x"],
    ],
  );
  const { env, resources } = containerOf(pod);
  assert.deepEqual(fieldsOf(resources)["limits"], {
    cpu: "3",
    memory: "4Gi",
    "ephemeral-storage": "12288Mi",
    "devices.kubevirt.io/kvm": 1,
  });
  assert.equal(listOf(env).find(({ name }) => name === "PYRO_MAX_MEMORY")?.["value"], String(4_096 - 256));
});

test("ids name their pods, and quantities are MiB", () => {
  for (const id of ["task-1a2b3c000000", "vm-1a2b3c000000", "snap-1a2b3c000000"])
    assert.equal(podOf(id), "pyro-1a2b3c");
  for (const id of ["web", "task-1a2b3c", "task-1A2B3C000000", ""]) assert.equal(podOf(id), null);
  const quantities: readonly (readonly [unknown, number | null])[] = [
    ["1664Mi", 1_664],
    ["4Gi", 4_096],
    [1_073_741_824, 1_024],
    ["1G", 953],
    ["1.5Gi", 1_536],
    [undefined, null],
    ["x", null],
  ];
  for (const [quantity, mib] of quantities) assert.equal(parseMib(quantity), mib);
});
