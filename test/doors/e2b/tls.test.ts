import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { request as httpsRequest, type RequestOptions } from "node:https";
import { connect, type AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createServer as createTlsServer, connect as connectTls } from "node:tls";

import { Authority } from "../../../src/doors/e2b/tls/authority.js";
import { makeAuthority, makeServerCertificate, newKey } from "../../../src/doors/e2b/tls/certificate.js";
import { writeTrust } from "../../../src/doors/e2b/tls/trust.js";
import { Served, type Handle } from "./served.js";

let served: Served;
let sandbox: Handle;
let ca: string;
const server = createServer((request, response) => response.end(`${request.method} ${request.url}`));
server.on("upgrade", (_request, socket) => {
  socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
  socket.pipe(socket);
});
before(async () => {
  served = await Served.open();
  sandbox = await served.create();
  ca = readFileSync(served.home.authority.certificate, "utf8");
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  served.pyro.ports.set(3000, (server.address() as AddressInfo).port);
});
after(async () => {
  server.close();
  server.closeAllConnections();
  await served[Symbol.asyncDispose]();
});

/** A request over TLS as a client makes it that resolves names below localhost: the status and the body, or the code of the error. */
function ask(name: string, path: string, options: RequestOptions = {}): Promise<unknown> {
  const address = name.startsWith("127.") ? {} : { servername: name };
  const host = `${name}:${served.port}`;
  const to = { host: "127.0.0.1", port: served.port, path, ca, agent: false, ...address };
  return new Promise((resolve) => {
    const request = httpsRequest({ ...to, ...options, headers: { host, ...options.headers } }, async (response) => {
      const pieces: Buffer[] = [];
      for await (const piece of response) pieces.push(piece as Buffer);
      resolve([response.statusCode, Buffer.concat(pieces).toString()]);
    });
    request.on("error", ({ code }: NodeJS.ErrnoException) => resolve(code));
    request.end();
  });
}

test("tls: the gateway's port serves both kinds, for the API, for an address and for a sandbox's port", async () => {
  const headers = { "x-api-key": served.key };
  for (const name of ["api.localhost", "localhost", "127.0.0.1"]) {
    const [status] = (await ask(name, "/v2/sandboxes", { headers })) as [number, string];
    assert.equal(status, 200, name);
  }
  assert.deepEqual(await ask(`3000-${sandbox.id}.localhost`, "/page"), [200, "GET /page"]);
  assert.deepEqual(await ask("3000-inope.localhost", "/page"), [
    502,
    '{"code":502,"message":"The sandbox was not found","sandboxId":"inope"}',
  ]);
  const { status } = await served.ask("GET", "/v2/sandboxes", { headers });
  assert.equal(status, 200);
});

test("tls: a client that does not trust the authority, and a name outside of localhost, get no connection", async () => {
  const { certificate } = makeAuthority("another");
  assert.equal(await ask("api.localhost", "/", { ca: certificate }), "UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  assert.equal(await ask("evil.test", "/"), "ERR_TLS_CERT_ALTNAME_INVALID");
  assert.equal(await ask("localhost.evil.test", "/"), "ERR_TLS_CERT_ALTNAME_INVALID");
});

test("tls: an upgraded connection carries bytes in both directions", async () => {
  const name = `3000-${sandbox.id}.localhost`;
  const headers = { host: name, connection: "Upgrade", upgrade: "echo" };
  const request = httpsRequest({ host: "127.0.0.1", port: served.port, servername: name, ca, agent: false, headers });
  request.end();
  const [, socket] = await once(request, "upgrade");
  socket.write("both ways");
  assert.equal(String((await once(socket, "data"))[0]), "both ways");
  socket.destroy();
});

test("tls: what is neither HTTP nor TLS ends its own connection alone", async () => {
  for (const bytes of [Buffer.of(0x16, 0, 0, 0, 0, 0, 0), Buffer.from("\0\0\0\0"), Buffer.from("nonsense\r\n\r\n")]) {
    const socket = connect({ host: "127.0.0.1", port: served.port });
    socket.on("error", () => {});
    socket.write(bytes);
    await once(socket.resume(), "close");
  }
  assert.deepEqual(await ask(`3000-${sandbox.id}.localhost`, "/"), [200, "GET /"]);
});

test("authority: signs for names below localhost and loopback addresses alone, whoever has its key", async () => {
  const { certificate, key } = makeAuthority("here only");
  const serverKey = newKey();
  const pem = serverKey.export({ type: "pkcs8", format: "pem" }) as string;
  const check = async (dnsName: string) => {
    const cert = makeServerCertificate({ name: "here only", key }, dnsName, serverKey);
    const listener = createTlsServer({ cert, key: pem }, (socket) => socket.end());
    listener.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    const { port } = listener.address() as AddressInfo;
    const socket = connectTls({ host: "127.0.0.1", port, servername: dnsName, ca: certificate });
    const outcome = await new Promise((resolve) => {
      socket.once("secureConnect", () => resolve("connected"));
      // Node.js has no code for this one.
      socket.once("error", ({ message }: Error) => resolve(message));
    });
    socket.destroy();
    listener.close();
    return outcome;
  };
  assert.equal(await check("3000-i1.localhost"), "connected");
  assert.equal(await check("bank.test"), "permitted subtree violation");
  assert.equal(await check("notlocalhost"), "permitted subtree violation");
});

test("authority: its certificates are well-formed, short-lived where clients want that, and of one chain", () => {
  const now = Date.UTC(2026, 0, 15);
  const { certificate, key } = makeAuthority("here only", now);
  const root = new X509Certificate(certificate);
  const leaf = new X509Certificate(makeServerCertificate({ name: "here only", key }, null, newKey(), now));
  assert.deepEqual([root.ca, leaf.ca], [true, false]);
  assert.ok(root.verify(root.publicKey) && leaf.verify(root.publicKey) && leaf.checkIssued(root));
  assert.equal(leaf.subjectAltName, "DNS:localhost, IP Address:127.0.0.1");
  assert.deepEqual([root.subject, leaf.issuer, leaf.subject], ["CN=here only", "CN=here only", "CN=pyro e2b gateway"]);
  assert.equal(Date.parse(leaf.validFrom), now - 86_400_000);
  assert.ok(Date.parse(leaf.validTo) - now <= 398 * 86_400_000);
  // A year from 2050 on has another form.
  const later = new X509Certificate(makeAuthority("later", Date.UTC(2049, 0, 1)).certificate);
  assert.equal(new Date(later.validTo).getUTCFullYear(), 2058);
});

test("authority: stays the same over restarts, with its key in a file of mode 0600, and refuses one that others can read", async () => {
  const { certificate, key } = served.home.authority;
  assert.equal(statSync(key).mode & 0o777, 0o600);
  await Authority.open(served.home.authority);
  assert.equal(readFileSync(certificate, "utf8"), ca);
  chmodSync(key, 0o640);
  await assert.rejects(Authority.open(served.home.authority), { code: "HOME_UNUSABLE" });
  chmodSync(key, 0o600);
  const damaged = { certificate: join(served.directory, "c.pem"), key: join(served.directory, "k.pem") };
  writeFileSync(damaged.key, "no key", { mode: 0o600 });
  await assert.rejects(Authority.open(damaged), { code: "HOME_UNUSABLE" });
  rmSync(damaged.key);
  await Authority.open(damaged);
  assert.match(readFileSync(damaged.certificate, "utf8"), /^-----BEGIN CERTIFICATE-----\n/);
});

test("trust: programs keep the authorities that the caller named, beside the gateway's", async () => {
  const { home } = served;
  const plain = await writeTrust(home, {});
  const both = { SSL_CERT_FILE: home.trusted, REQUESTS_CA_BUNDLE: home.trusted };
  assert.deepEqual(plain, { NODE_EXTRA_CA_CERTS: home.authority.certificate, ...both });
  const usual = readFileSync(home.trusted, "utf8");
  assert.ok(usual.includes(ca.trim()) && usual.split("BEGIN CERTIFICATE").length > 20);
  // Again, in a shell that has the variables already.
  assert.deepEqual(await writeTrust(home, plain), plain);
  assert.equal(readFileSync(home.trusted, "utf8"), usual);

  const given = join(served.directory, "given");
  mkdirSync(given);
  const [first, second] = [join(given, "first.pem"), join(given, "second.pem")];
  writeFileSync(first, "FIRST");
  writeFileSync(second, "SECOND\n");
  const variables = await writeTrust(home, { SSL_CERT_FILE: first, NODE_EXTRA_CA_CERTS: second });
  assert.deepEqual(variables, { NODE_EXTRA_CA_CERTS: home.trusted, ...both });
  assert.equal(readFileSync(home.trusted, "utf8"), `FIRST\nSECOND\n${ca}`);
});
