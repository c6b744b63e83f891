import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer as createHttp, type IncomingMessage, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { after, before, beforeEach, test } from "node:test";

import { openCluster } from "../../src/client/kubernetes/cluster.js";
import { PyroError } from "../../src/contract/errors.js";
import { signServer } from "../host/certificates.js";
import { taskOf } from "../task-of.js";
import { variableOf } from "./api-double.js";
import { Near } from "./near.js";

/** A proxy that leads every connection to the cluster, and notes what it was asked for. */
class Proxy {
  readonly asked: string[] = [];
  refusal: number | null = null;
  readonly server: Server;

  constructor(server: Server, cluster: URL) {
    this.server = server.on("connect", ({ url, headers }: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.asked.push([url, headers["proxy-authorization"]].filter(Boolean).join(" "));
      socket.on("error", () => {});
      if (this.refusal !== null) return void socket.end(`HTTP/1.1 ${this.refusal} Refused\r\n\r\n`);
      const target = connect(Number(cluster.port), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connected\r\n\r\n");
        target.write(head);
        socket.pipe(target).pipe(socket);
      });
      target.on("error", () => socket.destroy());
      socket.on("close", () => target.destroy());
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async listen(): Promise<this> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return this;
  }
}

let near: Near;
let plain: Proxy;
let secure: Proxy;
before(async () => {
  near = await Near.open((pod) => (operation) => {
    const task_id = `task-${variableOf(pod, "PYRO_ID_PREFIX")}000000`;
    return operation === "task.create" ? taskOf({ task_id }) : { operation };
  });
  const cluster = new URL(near.cluster.url);
  plain = await new Proxy(createHttp(), cluster).listen();
  const identity = signServer(near.directory, near.cluster.authority, "localhost");
  secure = await new Proxy(createHttps(identity) as unknown as Server, cluster).listen();
});
after(async () => {
  await near[Symbol.asyncDispose]();
  for (const { server } of [plain, secure]) server.close();
});
beforeEach(() => {
  for (const proxy of [plain, secure]) Object.assign(proxy, { refusal: null }).asked.length = 0;
});

const kubeconfig = () => join(near.directory, "kubeconfig");
const errorOf = (call: Promise<unknown>): Promise<PyroError> =>
  call.then(
    () => assert.fail("no error"),
    (error: unknown) => PyroError.from(error),
  );

/** Lists pods of a cluster whose name only the proxy knows. */
async function listFar(env: NodeJS.ProcessEnv): Promise<unknown> {
  const server = "https://cluster.invalid:6443";
  writeFileSync(kubeconfig(), near.cluster.kubeconfig(undefined, { server, "tls-server-name": "localhost" }));
  using opened = await openCluster(env, { kubeconfig: kubeconfig(), context: null });
  return await opened.call({ verb: "list", resource: "pods", namespace: "pyro" });
}

test("a kubeconfig's proxy-url: requests and streams go through the proxy, with its login", async () => {
  const url = `http://me:se%2Fcret@127.0.0.1:${plain.port}`;
  writeFileSync(kubeconfig(), near.cluster.kubeconfig(undefined, { "proxy-url": url }));
  const { task_id } = await near.client.call("task.create", { environment: "debian:12" });
  const answer = (await near.client.call("task.logs", { task_id })) as unknown as { operation: string };
  assert.equal(answer.operation, "task.logs");
  const { host } = new URL(near.cluster.url);
  assert.ok(plain.asked.length >= 2);
  assert.deepEqual([...new Set(plain.asked)], [`${host} Basic ${Buffer.from("me:se/cret").toString("base64")}`]);
});

test("https_proxy is used, and no_proxy is not sent through it", async () => {
  const https_proxy = `http://127.0.0.1:${plain.port}`;
  await listFar({ https_proxy });
  await listFar({ HTTPS_PROXY: https_proxy });
  assert.deepEqual(plain.asked, ["cluster.invalid:6443", "cluster.invalid:6443"]);
  const error = await errorOf(listFar({ https_proxy, no_proxy: ".invalid" }));
  assert.deepEqual([error.code, plain.asked.length], ["DAEMON_UNREACHABLE", 2]);
});

test("a proxy with TLS: its certificate must be one that Node.js accepts", async () => {
  const error = await errorOf(listFar({ https_proxy: `https://localhost:${secure.port}` }));
  assert.equal(error.code, "DAEMON_UNREACHABLE");
  assert.match(error.message, /the proxy localhost:\d+ cannot be reached: .*certificate/);
});

test("a proxy that refuses, or cannot be reached, is named", async () => {
  const https_proxy = `http://127.0.0.1:${plain.port}`;
  plain.refusal = 407;
  const refused = await errorOf(listFar({ https_proxy }));
  assert.equal(refused.code, "DAEMON_UNREACHABLE");
  assert.match(refused.message, new RegExp(`the proxy 127.0.0.1:${plain.port} refused the connection with status 407`));
  const gone = await errorOf(listFar({ https_proxy: "http://127.0.0.1:1" }));
  assert.equal(gone.code, "DAEMON_UNREACHABLE");
  assert.match(gone.message, /the proxy 127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/);
});
