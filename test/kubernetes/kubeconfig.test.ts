import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { readInCluster } from "../../src/client/kubernetes/in-cluster.js";
import { chooseAccess, listKubeconfigs, readKubeconfig } from "../../src/client/kubernetes/kubeconfig.js";

const directory = mkdtempSync(join(tmpdir(), "pt-kc-"));
after(() => rmSync(directory, { recursive: true }));

function write(name: string, content: string): string {
  const path = join(directory, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const choose = async (paths: readonly string[], context: string | null = null) => {
  const config = readKubeconfig(paths);
  assert.ok(config);
  return chooseAccess(config, context);
};

const first = write(
  "one/config",
  `
apiVersion: v1
kind: Config
clusters:
- name: c
  cluster: {server: "https://one.example:6443/k8s/clusters/c-1", certificate-authority: pki/ca.crt, tls-server-name: kubernetes}
users:
- name: u
  user: {client-certificate: pki/u.crt, client-key-data: ${Buffer.from("KEY").toString("base64")}}
contexts:
- name: a
  context: {cluster: c, user: u, namespace: other}
- name: no-cluster
  context: {cluster: gone, user: u}
`,
);
write("one/pki/ca.crt", "CA");
write("one/pki/u.crt", "CERT");
const second = write(
  "two/config",
  `
current-context: b
clusters:
- {name: c, cluster: {server: "https://two.example"}}
- {name: d, cluster: {server: "https://d.example", insecure-skip-tls-verify: true, proxy-url: "http://proxy.example:3128"}}
users:
- name: v
  user:
    tokenFile: token
    as: admin
    as-groups: [x, y]
- name: p
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: ./plugin
      args: [get-token]
      env: [{name: PROFILE, value: work}]
      interactiveMode: IfAvailable
      provideClusterInfo: true
- {name: old, user: {auth-provider: {name: gcp}}}
contexts:
- {name: a, context: {cluster: d, user: v}}
- {name: b, context: {cluster: d, user: v}}
- {name: "arn:aws:eks:eu-1:1:cluster/x", context: {cluster: d, user: p}}
- {name: old, context: {cluster: d, user: old}}
`,
);

test("kubeconfigs: of entries with one name the first counts, and paths begin at their file", async () => {
  const { cluster, user } = await choose([first, join(directory, "missing"), second], "a");
  assert.deepEqual(
    [cluster.server.href, cluster.ca, cluster.servername, cluster.isVerified, user.name, user.cert, user.key],
    ["https://one.example:6443/k8s/clusters/c-1", "CA", "kubernetes", true, "u", "CERT", "KEY"],
  );
  assert.equal((await choose([second, first], "a")).cluster.server.host, "d.example");
});

test("kubeconfigs: the first current context counts; tokens, impersonation, plugins and proxies are read", async () => {
  const { context, cluster, user } = await choose([first, second]);
  assert.deepEqual([context, cluster.isVerified, cluster.proxy], ["b", false, "http://proxy.example:3128"]);
  assert.equal(user.tokenFile, join(directory, "two/token"));
  assert.deepEqual(user.headers, { "impersonate-user": "admin", "impersonate-group": ["x", "y"] });
  const { plugin } = (await choose([second], "arn:aws:eks:eu-1:1:cluster/x")).user;
  assert.deepEqual(plugin, {
    apiVersion: "client.authentication.k8s.io/v1",
    command: join(directory, "two/plugin"),
    args: ["get-token"],
    env: { PROFILE: "work" },
    installHint: "",
    needsCluster: true,
    needsTerminal: false,
  });
});

const unusable = [
  ["x", "NOT_FOUND"],
  ["no-cluster", "NOT_FOUND"],
  ["old", "INVALID_ARGUMENT"],
] as const;
test("kubeconfigs: unusable contexts and files are refused; the hint names the nearest context", async () => {
  for (const [context, code] of unusable) {
    await assert.rejects(choose([first, second], context), { code }, context);
  }
  await assert.rejects(choose([first]), { code: "NOT_FOUND", message: /no current context/ });
  await assert.rejects(choose([second], "olt"), { hint: "Did you mean old?" });
  for (const text of ["a: [", "clusters: 1", "clusters: [{cluster: {}}]", "- a"]) {
    const path = write("bad", text);
    assert.throws(() => readKubeconfig([path]), { code: "INVALID_ARGUMENT" }, text);
  }
  for (const server of ['""', "one.example:6443", "ftp://x"]) {
    const entries = `{clusters: [{name: c, cluster: {server: ${server}}}], contexts: [{name: x, context: {cluster: c}}]}`;
    await assert.rejects(choose([write("bad", entries)], "x"), { code: "INVALID_ARGUMENT" }, server);
  }
  assert.equal(readKubeconfig([join(directory, "missing")]), null);
});

test("kubeconfigs are those of the context, of KUBECONFIG, or of the user", () => {
  assert.deepEqual(listKubeconfigs({ KUBECONFIG: "/a" }, "/given"), ["/given"]);
  assert.deepEqual(listKubeconfigs({ KUBECONFIG: "/a::/b" }, null), ["/a", "/b"]);
  assert.deepEqual(listKubeconfigs({ HOME: "/home/me" }, null), ["/home/me/.kube/config"]);
});

test("in a cluster, the service account of the pod is used", async () => {
  write("account/token", "t");
  write("account/ca.crt", "CA");
  const account = join(directory, "account");
  const env = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "6443" };
  const access = await readInCluster(env, account);
  assert.deepEqual([access?.cluster.server.host, access?.cluster.ca], ["[fd00::1]:6443", "CA"]);
  assert.equal(access?.user.tokenFile, join(account, "token"));
  assert.equal(await readInCluster({}, account), null);
  assert.equal(await readInCluster(env, join(directory, "none")), null);
});
