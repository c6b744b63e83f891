import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import type { ResultOf } from "../../src/contract/operations.js";
import { TaskScratch } from "../faults/task-scratch.js";
import { makeAuthority, signServer } from "../host/certificates.js";

const HOST = "inspected.example";

const directory = mkdtempSync(join(tmpdir(), "pt-ca-"));
const authority = makeAuthority(directory, "Inspecting Root");
const requests: string[] = [];
const server = createServer(signServer(directory, authority, HOST), (request, response) => {
  requests.push(request.url ?? "");
  response.end("hello\n");
});
/** Like a shell whose administrator has told Node.js of the company's certificates; other tools find them in the same way. */
const scratch = new TaskScratch({ env: { NODE_EXTRA_CA_CERTS: authority.caPath } });
let port: number;

before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
});
after(async () => {
  await scratch[Symbol.asyncDispose]();
  server.close();
  rmSync(directory, { recursive: true });
});

type Task = ResultOf<"task.status">;

/** A task in which the server's name resolves to the server. */
async function create(...flags: string[]): Promise<Task> {
  const network = ["--network", "--network-allow", `127.0.0.1:${port}`, ...flags];
  const task = await scratch.json<Task>("task", "create", "debian:12", "--mem-mib", "256", ...network);
  await scratch.exec(task.task_id, `echo "${task.network!.routes[0]!.gateway} ${HOST}" >>/etc/hosts`);
  return task;
}

const authoritiesOf = ({ network }: Task) => network!.host_ca.map(({ subject }) => subject);

test("without --network-host-ca no tool in a VM trusts a certificate authority that only the host trusts", async () => {
  const task = await create();
  const { stdout } = await scratch.exec(task.task_id, `curl -sS https://${HOST}:${port}/ 2>&1; echo $?`);
  assert.match(stdout, /\n60\n$/);
  assert.deepEqual(requests, []);
  assert.deepEqual(authoritiesOf(task), []);
  await scratch.pyro(["task", "delete", task.task_id]);
});

test("with --network-host-ca curl, wget, git, Python and pip trust it, with and without their variables", async () => {
  const task = await create("--network-host-ca");
  const at = `https://${HOST}:${port}`;
  const python = (path: string) => `python3 -c 'import urllib.request as u; u.urlopen("${at}${path}")'`;
  const script = [
    `curl -sS ${at}/curl`,
    `env -i curl -sS ${at}/bare-curl`,
    `sudo -n sh -c 'test -f "$NODE_EXTRA_CA_CERTS" && curl -sS ${at}/sudo'`,
    `env -i su - games -s /bin/sh -c 'test -f "$NODE_EXTRA_CA_CERTS" && curl -sS ${at}/su'`,
    `wget -qO- ${at}/wget`,
    python("/python"),
    `env -i ${python("/bare-python")}`,
    `git ls-remote ${at}/git`,
    `pip download -q --retries 0 --index-url ${at}/simple mine`,
  ].join("\n");
  const { stderr } = await scratch.exec(task.task_id, script);
  const expected = ["/curl", "/bare-curl", "/sudo", "/su", "/wget", "/python", "/bare-python"];
  assert.deepEqual(
    requests.splice(0).slice(0, 9),
    [...expected, "/git/info/refs?service=git-upload-pack", "/simple/mine/"],
    stderr,
  );

  const look =
    'openssl x509 -noout -subject -in "$NODE_EXTRA_CA_CERTS"; ls /usr/local/share/ca-certificates/*.crt; env';
  const { stdout } = await scratch.exec(task.task_id, look);
  assert.match(stdout, /^subject=/);
  assert.match(stdout, /\/pyro-host-1\.crt$/m);
  assert.doesNotMatch(stdout, /PRIVATE/);
  assert.ok(!stdout.includes(authority.caPath), "the guest's output has no path of the host");
  assert.ok(
    authoritiesOf(task).some((subject) => /Inspecting Root/.test(subject)),
    JSON.stringify(task.network),
  );
  await scratch.pyro(["task", "delete", task.task_id]);
});

test("--network-host-proxy brings the certificates along, for a single run too", async () => {
  const flags = ["--network", "--network-host-proxy", "--mem-mib", "256"];
  const command = `grep -c BEGIN "$NODE_EXTRA_CA_CERTS"`;
  const { stdout, stderr } = await scratch.pyro(["run", ...flags, "debian:12", "--", "sh", "-c", command]);
  assert.ok(Number(stdout) >= 1, stderr);
});

test("doctor lists the certificate authorities that the host trusts and a VM does not", async () => {
  const { host_ca } = await scratch.json<ResultOf<"doctor">>("doctor");
  assert.ok(host_ca.some(({ subject }) => /Inspecting Root/.test(subject)));
  assert.match((await scratch.pyro(["doctor"])).stdout, /--network-host-ca: .*Inspecting Root/);
});
