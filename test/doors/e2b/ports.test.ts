import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { after, before, test } from "node:test";

import { limits } from "../../../src/contract/limits.js";
import { Served, type Handle } from "./served.js";

let served: Served;
let sandbox: Handle;
const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on("data", (piece: Buffer) => pieces.push(piece));
  request.on("end", () => {
    const { method, url, headers, rawHeaders } = request;
    response.writeHead(201, { "x-answer": "yes", "content-type": "application/json" });
    response.end(JSON.stringify({ method, url, headers, rawHeaders, body: Buffer.concat(pieces).toString() }));
  });
});
server.on("upgrade", (request, socket) => {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${request.headers.upgrade}\r\n\r\n`,
  );
  socket.pipe(socket);
});
before(async () => {
  served = await Served.open();
  sandbox = await served.create();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  served.pyro.ports.set(3000, (server.address() as { port: number }).port);
});
after(async () => {
  server.close();
  server.closeAllConnections();
  await served[Symbol.asyncDispose]();
});

test("port: a request by header or by host reaches the server, without the gateway's tokens", async () => {
  const byHeader = { ...sandbox.headers, "e2b-sandbox-port": "3000", "X-Own": "1" };
  const byHost = { host: `3000-${sandbox.id}.localhost:${served.port}`, "X-Own": "1", origin: "http://page.test" };
  for (const headers of [byHeader, byHost]) {
    const {
      status,
      headers: answered,
      body,
    } = await served.ask("PUT", "/a%20b?c=d", { body: Buffer.from("sent"), headers });
    assert.deepEqual([status, answered["x-answer"]], [201, "yes"]);
    assert.deepEqual([body.method, body.url, body.body], ["PUT", "/a%20b?c=d", "sent"]);
    assert.deepEqual([body.headers["x-own"], body.headers["host"]], ["1", "localhost:3000"]);
    assert.ok(["X-Own", "Host"].every((name) => body.rawHeaders.includes(name)));
    for (const name of ["e2b-sandbox-id", "e2b-sandbox-port", "x-access-token"])
      assert.equal(body.headers[name], undefined);
  }
  assert.equal(served.pyro.inputsOf("task.port.publish").length, 1);
});

test("port: one on which nothing listens is 502 and named, also when its server is gone later", async () => {
  for (const port of ["4000", "4000"]) {
    const { status, body } = await sandbox.ask("GET", "/", { headers: { "e2b-sandbox-port": port } });
    const message = "The sandbox is running but port is not open";
    assert.deepEqual([status, body], [502, { code: 502, message, sandboxId: sandbox.id, port: 4000 }]);
  }
});

test("port: many that were asked for in vain leave room for those with a server", async () => {
  const ask = (port: number) => sandbox.ask("GET", "/", { headers: { "e2b-sandbox-port": String(port) } });
  for (let port = 5000; port < 5000 + 2 * limits.publishedPorts; port++) assert.equal((await ask(port)).status, 502);
  served.pyro.ports.set(3001, (server.address() as { port: number }).port);
  assert.equal((await ask(3001)).status, 201);
  assert.equal((await ask(3000)).status, 201);
  const opened = [];
  for (let port = 6000; port < 6000 + limits.publishedPorts; port++) {
    served.pyro.ports.set(port, (server.address() as { port: number }).port);
    opened.push((await ask(port)).status);
  }
  assert.deepEqual([...new Set(opened)], [201, 503], "one that cannot be had for lack of room is not called closed");
  assert.equal((await ask(3000)).status, 201);
});

test("port: the sandbox's own ports by host want their tokens, and no page reaches them", async () => {
  for (const port of [49_983, 49_999]) {
    const host = `${port}-${sandbox.id}.localhost`;
    const path = port === 49_983 ? "/envs" : "/contexts";
    assert.equal((await served.ask("GET", path, { headers: { host } })).status, 401);
    const headers = { host, "x-access-token": sandbox.token, origin: "http://page.test" };
    assert.equal((await served.ask("GET", path, { headers })).status, 403);
  }
});

test("port: an upgraded connection carries bytes in both directions", async () => {
  const headers = { host: `3000-${sandbox.id}.localhost`, connection: "Upgrade", upgrade: "echo" };
  const request = httpRequest({ host: "127.0.0.1", port: served.port, path: "/socket", headers });
  request.end();
  const [response, socket] = await once(request, "upgrade");
  assert.equal(response.headers.upgrade, "echo");
  socket.write("both ways");
  assert.equal(String((await once(socket, "data"))[0]), "both ways");
  socket.destroy();
});

test("port: an upgrade that names no server in a sandbox is refused", async () => {
  const headers = { "x-api-key": served.key, connection: "Upgrade", upgrade: "echo" };
  assert.equal((await served.ask("GET", "/v2/sandboxes", { headers })).status, 400);
  assert.equal((await served.ask("GET", "/", { headers: { ...headers, host: "evil.test" } })).status, 403);
});

test("answers of the control API name the domain under which ports are reached", async () => {
  const { body } = await served.control("GET", `/sandboxes/${sandbox.id}`);
  assert.equal(body.domain, `localhost:${served.port}`);
  assert.equal(body.trafficAccessToken, undefined);
});

test("port: with a mask, servers are told that host", async () => {
  const masked = await served.create({ network: { maskRequestHost: "custom.example.com:${PORT}" } });
  const { body } = await masked.ask("GET", "/", { headers: { "e2b-sandbox-port": "3000" } });
  assert.equal(body.headers["host"], "custom.example.com:3000");
});

test("port: without public traffic, requests need the sandbox's traffic token, and no port of this host leads there", async () => {
  const { body: made } = await served.control("POST", "/v2/sandboxes", {
    templateID: "base",
    network: { allowPublicTraffic: false },
  });
  const before = served.pyro.inputsOf("task.port.publish").length;
  const { port } = server.address() as { port: number };
  const ask = (token: string | undefined, given = port) =>
    served.ask("POST", "/private", {
      body: Buffer.from("x".repeat(100_000)),
      headers: {
        host: `${given}-${made.sandboxID}.localhost`,
        ...(token !== undefined && { "e2b-traffic-access-token": token }),
      },
    });
  const { body: detail } = await served.control("GET", `/sandboxes/${made.sandboxID}`);
  for (const token of [undefined, "", "0", made.envdAccessToken, sandbox.token]) {
    const { status, body } = await ask(token);
    assert.deepEqual([status, body.code, body.sandboxId], [403, 403, made.sandboxID]);
  }
  const { status, body } = await ask(made.trafficAccessToken);
  assert.deepEqual([status, body.url, body.body.length], [201, "/private", 100_000]);
  assert.equal(body.headers["e2b-traffic-access-token"], undefined);
  assert.deepEqual(detail.network, { allowPublicTraffic: false });
  const closed = await ask(made.trafficAccessToken, 1);
  assert.deepEqual([closed.status, closed.body.port], [502, 1]);

  const headers = { host: `${port}-${made.sandboxID}.localhost`, connection: "Upgrade", upgrade: "echo" };
  const upgrade = (more: Record<string, string>) => {
    const request = httpRequest({ host: "127.0.0.1", port: served.port, headers: { ...headers, ...more } });
    request.end();
    return request;
  };
  const [refused] = await once(upgrade({}), "response");
  assert.equal(refused.statusCode, 403);
  refused.resume();
  const [, socket] = await once(upgrade({ "e2b-traffic-access-token": made.trafficAccessToken }), "upgrade");
  socket.write("both ways");
  assert.equal(String((await once(socket, "data"))[0]), "both ways");
  socket.destroy();
  assert.equal(served.pyro.inputsOf("task.port.publish").length, before);
});
