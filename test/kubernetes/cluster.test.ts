import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { Cluster, openCluster } from "../../src/client/kubernetes/cluster.js";
import { readInCluster } from "../../src/client/kubernetes/in-cluster.js";
import type { Fields } from "../../src/client/kubernetes/pod-spec.js";
import { PyroError } from "../../src/contract/errors.js";
import { makeAuthority } from "../host/certificates.js";
import { ApiDouble, status } from "./api-double.js";

const directory = mkdtempSync(join(tmpdir(), "pt-kc-"));
let double: ApiDouble;
before(async () => {
  double = await ApiDouble.open(directory);
});
after(async () => {
  await double[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true });
});
beforeEach(() => {
  double.recorded.clear();
  double.requests.length = 0;
});

/** Lists pods as a user; resolves to the error, or null. */
async function list(user?: Fields, cluster?: Fields, env: NodeJS.ProcessEnv = process.env): Promise<PyroError | null> {
  const kubeconfig = join(directory, "kubeconfig");
  writeFileSync(kubeconfig, double.kubeconfig(user, cluster));
  using opened = await openCluster(env, { kubeconfig, context: null });
  return opened.call({ verb: "list", resource: "pods", namespace: "pyro" }).then(
    () => null,
    (error: unknown) => PyroError.from(error),
  );
}

/** A certificate of a user, which the double's authority has signed for a time. */
function signUser(from: string, to: string): Fields {
  const { cert, key } = sign("someone", from, to);
  return { "client-certificate-data": base64(cert), "client-key-data": base64(key) };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

/** A certificate for a name, which the double's authority has signed for a time. */
function sign(name: string, from: string, to: string): { cert: string; key: string } {
  const place = mkdtempSync(join(directory, "signed-"));
  const at = (name: string) => join(place, name);
  const { caPath, caKeyPath } = double.authority;
  const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "pipe" });
  writeFileSync(at("index"), "");
  writeFileSync(at("names"), `subjectAltName=DNS:${name}\n`);
  writeFileSync(
    at("ca.conf"),
    `[ca]\ndefault_ca = d\n[d]\ndatabase = ${at("index")}\nserial = ${at("serial")}\ndefault_md = sha256\npolicy = p\n[p]\ncommonName = supplied\n`,
  );
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl("req", ...ec, "-keyout", at("key"), "-out", at("csr"), "-subj", `/CN=${name}`);
  const signing = [
    "-config",
    at("ca.conf"),
    "-cert",
    caPath,
    "-keyfile",
    caKeyPath,
    "-create_serial",
    "-batch",
    "-extfile",
    at("names"),
  ];
  openssl("ca", ...signing, "-startdate", from, "-enddate", to, "-outdir", place, "-in", at("csr"), "-out", at("crt"));
  return { cert: readFileSync(at("crt"), "utf8"), key: readFileSync(at("key"), "utf8") };
}

test("a user is let in by a token, a file with one, and a certificate", async () => {
  assert.equal(await list({ token: "good" }), null);
  writeFileSync(join(directory, "token"), "good\n");
  assert.equal(await list({ tokenFile: "token" }), null);
  assert.equal(await list(signUser("20200101000000Z", "20990101000000Z")), null);
  const error = await list({ token: "bad" });
  assert.deepEqual([error?.code, error?.message.includes("does not accept the login of u")], ["REMOTE_DENIED", true]);
});

test("an expired certificate of a user is named with its day", async () => {
  const expired = signUser("20200101000000Z", "20200102000000Z");
  const error = await list(expired);
  assert.equal(error?.code, "REMOTE_DENIED");
  assert.match(error?.message ?? "", /has expired on 2020-01-02/);
});

test("an expired certificate of the server is its administrator's to renew", async () => {
  double.useCertificate(sign("localhost", "20200101000000Z", "20990101000000Z"));
  assert.equal(await list(), null);
  double.useCertificate(sign("localhost", "20200101000000Z", "20200102000000Z"));
  const error = await list();
  assert.deepEqual([error?.code, error?.details["tls"]], ["REMOTE_DENIED", "CERT_HAS_EXPIRED"]);
  assert.match(error?.hint ?? "", /administrator/);
  double.useCertificate(sign("localhost", "20200101000000Z", "20990101000000Z"));
});

test("a plugin is run once for many calls, and again when the cluster refuses what it gave", async () => {
  const plugin = join(directory, "plugin");
  const runs = join(directory, "runs");
  writeFileSync(runs, "");
  const script = (token: string, more = "") =>
    `#!/bin/sh\necho "$PROFILE $KUBERNETES_EXEC_INFO" >>${runs}\n` +
    `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"${token}"${more}}}'\n`;
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: "./plugin",
    env: [{ name: "PROFILE", value: "work" }],
    provideClusterInfo: true,
  };
  const kubeconfig = join(directory, "kubeconfig");
  writeFileSync(plugin, script("good"), { mode: 0o755 });
  writeFileSync(kubeconfig, double.kubeconfig({ exec }));
  using opened = await openCluster(process.env, { kubeconfig, context: null });
  const call = () => opened.call({ verb: "list", resource: "pods", namespace: "pyro" });
  await Promise.all([call(), call()]);
  await call();
  const lines = () => readFileSync(runs, "utf8").trim().split("\n");
  assert.equal(lines().length, 1);
  const [profile = "", info = ""] = lines()[0]!.split(/ (.*)/);
  assert.equal(profile, "work");
  assert.equal((JSON.parse(info) as { spec: { cluster: { server: string } } }).spec.cluster.server, double.url);
  double.tokens.delete("good");
  double.tokens.add("better");
  writeFileSync(plugin, script("better", ',"expirationTimestamp":"2020-01-01T00:00:00Z"'), { mode: 0o755 });
  await call();
  assert.equal(lines().length, 2);
  await call();
  assert.equal(lines().length, 3);
  double.tokens.add("good");
});

const plugins: readonly (readonly [exec: Fields, message: RegExp, hint: RegExp])[] = [
  [{ command: "no-such-plugin", installHint: "Get it." }, /cannot be run/, /Get it/],
  [{ command: "sh", args: ["-c", "echo gone >&2; exit 3"] }, /failed with status 3: gone/, /Log in again/],
  [{ command: "echo", args: ["{}"] }, /printed no ExecCredential/, /Run it/],
  [{ command: "true", interactiveMode: "Always" }, /asks questions/, /keeps its login/],
  [{ command: "true", apiVersion: "client.authentication.k8s.io/v1alpha1" }, /v1alpha1/, /v1beta1/],
];
test("a plugin that gives nothing is named, with the next step", async () => {
  for (const [fields, message, hint] of plugins) {
    const error = await list({ exec: { apiVersion: "client.authentication.k8s.io/v1", ...fields } });
    assert.equal(error?.code, "REMOTE_DENIED");
    assert.match(error.message, message);
    assert.match(error.hint, hint);
  }
});

test("a server of another authority or name is not trusted; one that cannot be reached is named", async () => {
  const other = Buffer.from(makeAuthority(directory, "other").pem).toString("base64");
  const untrusted = await list(undefined, { "certificate-authority-data": other });
  assert.deepEqual([untrusted?.code, untrusted?.details["connected"]], ["REMOTE_DENIED", false]);
  const misnamed = await list(undefined, { server: double.url.replace("localhost", "127.0.0.1") });
  assert.equal(misnamed?.code, "REMOTE_DENIED");
  const named = { server: double.url.replace("localhost", "127.0.0.1"), "tls-server-name": "localhost" };
  assert.equal(await list(undefined, named), null);
  assert.equal(await list(undefined, { "insecure-skip-tls-verify": true, "certificate-authority-data": other }), null);
  const gone = await list(undefined, { server: "https://127.0.0.1:1" });
  assert.deepEqual([gone?.code, gone?.details["connected"]], ["DAEMON_UNREACHABLE", false]);
});

test("in a cluster, the service account's token is read again for each call, and a refusal names the account", async () => {
  const account = join(directory, "account");
  mkdirSync(account);
  writeFileSync(join(account, "ca.crt"), double.authority.pem);
  const rotate = (token: string) => writeFileSync(join(account, "token"), `${token}\n`);
  const { hostname, port } = new URL(double.url);
  rotate("first");
  double.tokens.add("first");
  const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
  using opened = new Cluster((await readInCluster(env, account))!, env);
  const call = () => opened.call({ verb: "list", resource: "pods", namespace: "pyro" });
  await call();
  double.tokens.delete("first");
  await assert.rejects(call(), { code: "REMOTE_DENIED", message: /the login of the service account of this pod/ });
  double.tokens.add("second");
  rotate("second");
  await call();
  const message = `${'pods is forbidden: User "system:serviceaccount:pyro:default" cannot list resource "pods"'} in API group "" in the namespace "pyro"`;
  double.recorded.set("GET pods", status(403, "Forbidden", message, { kind: "pods" }));
  await assert.rejects(call(), {
    code: "REMOTE_DENIED",
    message: /does not let the service account of this pod list pods in the namespace pyro/,
  });
});

const FORBIDDEN =
  'pods is forbidden: User "someone" cannot list resource "pods" in API group "" in the namespace "pyro"';
const QUOTA =
  'pods "pyro-1a2b3c" is forbidden: exceeded quota: q, requested: requests.memory=1664Mi, used: requests.memory=8Gi, limited: requests.memory=8Gi';
const POLICY = 'pods "pyro-1a2b3c" is forbidden: violates PodSecurity "restricted:latest": privileged';
const recorded = [
  [status(403, "Forbidden", FORBIDDEN, { kind: "pods" }), "REMOTE_DENIED", { verb: "list", resource: "pods" }],
  [status(403, "Forbidden", QUOTA, { kind: "pods" }), "RESOURCE_EXHAUSTED", { reason: "quota" }],
  [status(403, "Forbidden", POLICY, { kind: "pods" }), "FAILED_PRECONDITION", { reason: "policy" }],
  [
    status(404, "NotFound", 'namespaces "pyro" not found', { kind: "namespaces", name: "pyro" }),
    "NOT_FOUND",
    { namespace: "pyro" },
  ],
  [
    status(422, "Invalid", 'Pod "x" is invalid: metadata.labels: Invalid value: "a-"', {
      kind: "Pod",
      causes: [{ field: "metadata.labels", message: "Invalid value" }],
    }),
    "INVALID_ARGUMENT",
    { fields: ["metadata.labels"] },
  ],
  [status(409, "AlreadyExists", 'pods "x" already exists'), "ALREADY_EXISTS", {}],
  [{ status: 418, body: "a proxy's page" }, "DAEMON_UNREACHABLE", { http_status: 418 }],
] as const;
for (const [answer, code, details] of recorded) {
  test(`an answer with status ${answer.status} is ${code}`, async () => {
    double.recorded.set("GET pods", answer);
    const error = await list();
    assert.equal(error?.code, code);
    const shown = Object.fromEntries(Object.keys(details).map((key) => [key, error.details[key]]));
    assert.deepEqual(shown, details);
    assert.notEqual(error.hint, "");
  });
}

test("a busy server is asked again for what changes nothing, and a broken connection is made again", async () => {
  double.recorded.set("GET pods", status(503, "ServiceUnavailable", "etcdserver: leader changed"));
  const kubeconfig = join(directory, "kubeconfig");
  writeFileSync(kubeconfig, double.kubeconfig());
  using opened = await openCluster({}, { kubeconfig, context: null });
  const call = opened.call({ verb: "list", resource: "pods", namespace: "pyro" });
  while (double.requests.length < 1) await new Promise((resolve) => setImmediate(resolve));
  double.recorded.clear();
  await call;
  assert.equal(double.requests.length, 2);
  double.breakConnections();
  await opened.call({ verb: "list", resource: "pods", namespace: "pyro" });
});
