import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createProxy } from "node:http";
import { delimiter, join } from "node:path";
import { test, type TestContext } from "node:test";

import { tunnelThrough } from "../../../src/host/proxy-tunnel.js";
import { tar } from "../../archive/raw-tar.js";
import { file } from "../../archive/specimen.js";
import { temporaryDirectory } from "../fake-source.js";
import { makeImage } from "../image/saved.js";
import { openImageCache, pull, setVariables } from "./cache.js";
import { type RegistryDouble, registryDouble, sendError } from "./double.js";

const image = makeImage([tar(file("a", "a"))]);
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

/** A registry that wants a login, and a configuration of Docker. */
async function open(context: TestContext, config: (host: string) => object) {
  const { directory, cache } = await openImageCache(context);
  const registry = await registryDouble(context);
  registry.push(image);
  const folder = join(directory, "docker");
  mkdirSync(folder);
  writeFileSync(join(folder, "config.json"), JSON.stringify(config(registry.host)));
  setVariables(context, { DOCKER_CONFIG: folder });
  return { directory, cache, registry, name: `${registry.host}/me/tool` };
}

/** Refuses a request without this header, and sends a challenge. */
function want(
  registry: RegistryDouble,
  authorization: string,
  challenge: string,
  more: RegistryDouble["intercept"] = () => false,
) {
  registry.intercept = (request, response) => {
    if (more(request, response)) return true;
    if (request.headers.authorization === authorization) return false;
    response.setHeader("www-authenticate", challenge);
    return sendError(response, 401, "UNAUTHORIZED", "authentication required");
  };
}

const auths = (host: string, entry: object) => ({ auths: { [host]: entry } });
const auth = Buffer.from("me:se:cret").toString("base64");

test("a registry gets the login of Docker's configuration, and another registry does not", async (context) => {
  const { cache, registry, name } = await open(context, (host) => auths(host, { auth }));
  want(registry, basic("me:se:cret"), 'Basic realm="r"');
  assert.equal((await pull(cache, name)).built, true);
  const { registry: other, name: otherName, cache: second } = await open(context, () => auths("example.org", { auth }));
  want(other, basic("me:se:cret"), 'Basic realm="r"');
  await assert.rejects(pull(second, otherName), { code: "REGISTRY_DENIED", message: /without a login/ });
});

test("the error of a wrong login says that the registry refuses the login", async (context) => {
  const { cache, registry, name } = await open(context, (host) => auths(host, { auth }));
  want(registry, basic("me:other"), 'Basic realm="r"');
  await assert.rejects(pull(cache, name), {
    code: "REGISTRY_DENIED",
    message: /refuses the stored login.*authentication required/,
  });
});

test("a token is fetched with the login, for the repository, and again when it has expired", async (context) => {
  const { cache, registry, name } = await open(context, (host) => auths(host, { auth }));
  const realm = `http://${registry.host}/token`;
  let [given, uses] = [0, 0];
  let valid = "";
  registry.intercept = (request, response) => {
    if (request.url?.startsWith("/token")) {
      assert.equal(request.headers.authorization, basic("me:se:cret"));
      assert.equal(request.url, "/token?service=s&scope=repository%3Ame%2Ftool%3Apull");
      valid = `t${(given += 1)}`;
      uses = 0;
      response.end(JSON.stringify({ token: valid }));
      return true;
    }
    // Each token is good for two requests.
    if (request.headers.authorization === `Bearer ${valid}` && (uses += 1) <= 2) return false;
    response.setHeader("www-authenticate", `Bearer realm="${realm}",service="s",scope="repository:me/tool:pull"`);
    return sendError(response, 401, "UNAUTHORIZED", "authentication required");
  };
  assert.equal((await pull(cache, name)).built, true);
  assert.ok(given >= 2);
});

test("an identity token is exchanged with a form", async (context) => {
  const { cache, registry, name } = await open(context, (host) => auths(host, { identitytoken: "id" }));
  const realm = `http://${registry.host}/token`;
  want(registry, "Bearer short", `Bearer realm="${realm}",service="s"`, (request, response) => {
    if (request.url !== "/token") return false;
    let body = "";
    request.on("data", (piece: Buffer) => (body += piece.toString()));
    request.on("end", () => {
      const form = new URLSearchParams(body);
      assert.equal(form.get("refresh_token"), "id");
      response.end(JSON.stringify({ access_token: "short" }));
    });
    return true;
  });
  assert.equal((await pull(cache, name)).built, true);
});

test("a helper for credentials is asked for its registry; one that is missing or fails is an error", async (context) => {
  const { directory, cache, registry, name } = await open(context, (host) => ({ credHelpers: { [host]: "test" } }));
  want(registry, basic("me:secret"), 'Basic realm="r"');
  await assert.rejects(pull(cache, name), {
    code: "REGISTRY_DENIED",
    message: /docker-credential-test cannot be started/,
    hint: /daemon's PATH/,
  });
  const helper = join(directory, "docker-credential-test");
  setVariables(context, { PATH: `${directory}${delimiter}${process.env["PATH"]}` });
  const script = (body: string) => {
    writeFileSync(helper, `#!/bin/sh\n${body}\n`);
    chmodSync(helper, 0o755);
  };
  script("echo locked >&2; exit 1");
  await assert.rejects(pull(cache, name), { code: "REGISTRY_DENIED", message: /failed: locked/ });
  script(`[ "$1" = get ] && [ "$(cat)" = "${registry.host}" ] && echo '{"Username":"me","Secret":"secret"}'`);
  assert.equal((await pull(cache, name)).built, true);
});

test("a redirect to another host gets no login", async (context) => {
  const { cache, registry, name } = await open(context, (host) => auths(host, { auth }));
  const store = await registryDouble(context);
  store.push(image);
  store.intercept = (request) => {
    assert.equal(request.headers.authorization, undefined);
    return false;
  };
  want(registry, basic("me:se:cret"), 'Basic realm="r"', ({ url = "", headers }, response) => {
    if (!url.includes("/blobs/") || headers.authorization === undefined) return false;
    response.writeHead(307, { location: `http://${store.host}${url}` }).end();
    return true;
  });
  assert.equal((await pull(cache, name)).built, true);
  assert.ok(store.requests.length > 0);
});

test("after a redirect, the new server cannot have the login sent to a server that it names", async (context) => {
  for (const entry of [{ auth }, { identitytoken: "id" }]) {
    const { cache, registry, name } = await open(context, (host) => auths(host, entry));
    const [store, third] = [await registryDouble(context), await registryDouble(context)];
    store.intercept = (_, response) => {
      response.setHeader("www-authenticate", `Bearer realm="http://${third.host}/token",service="s"`);
      return sendError(response, 401, "UNAUTHORIZED", "authentication required");
    };
    registry.intercept = ({ url = "" }, response) => {
      response.writeHead(307, { location: `http://${store.host}${url}` }).end();
      return true;
    };
    await assert.rejects(pull(cache, name), { code: "REGISTRY_DENIED" });
    assert.ok(store.requests.length > 0);
    assert.deepEqual(third.requests, []);
  }
});

/** A registry with TLS, whose certificate is its own authority. */
async function openTls(context: TestContext) {
  const directory = await temporaryDirectory(context);
  const [key, certificate] = [join(directory, "key.pem"), join(directory, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const algorithm = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  execFileSync("openssl", ["req", "-x509", ...algorithm, ...subject, "-keyout", key, "-out", certificate], {
    stdio: "pipe",
  });
  const plain = await registryDouble(context);
  plain.push(image);
  const server: Server = createServer({ key: readFileSync(key), cert: readFileSync(certificate) });
  const [host = "", port] = plain.host.split(":");
  server.on("secureConnection", (socket) => {
    const onward = connect(Number(port), host);
    for (const end of [socket, onward]) end.on("error", () => [socket, onward].forEach((one) => one.destroy()));
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  context.after(() => server.close());
  return { port: (server.address() as AddressInfo).port, certificate };
}

test("a registry's certificate must be of an authority of this host, and for its name", async (context) => {
  const { cache } = await openImageCache(context);
  const { port, certificate } = await openTls(context);
  const reasonOf = (name: string) =>
    pull(cache, name, { plainHttp: false }).then(
      () => "none",
      (error: { code: string; details: { reason: string } }) => `${error.code} ${error.details.reason}`,
    );
  assert.equal(await reasonOf(`localhost:${port}/me/tool`), "REGISTRY_UNREACHABLE certificate");
  setVariables(context, { SSL_CERT_FILE: certificate });
  assert.equal(await reasonOf(`localhost:${port}/me/tool`), "none");
  assert.match(await reasonOf(`127.0.0.1:${port}/me/tool`), /certificate|network/);
});

/** A proxy that gets every request for a tunnel. Returns its address. */
async function openProxy(
  context: TestContext,
  onTunnel: (url: string, login: string, socket: Duplex) => void,
): Promise<string> {
  const proxy = createProxy();
  const tunnels: Duplex[] = [];
  proxy.on("connect", ({ url = "", headers }, socket) => {
    tunnels.push(socket.on("error", () => {}).on("end", () => socket.end()));
    onTunnel(url, headers["proxy-authorization"] ?? "", socket);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    for (const tunnel of tunnels) tunnel.destroy();
    proxy.close();
  });
  return `http://me:secret@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

const ESTABLISHED = "HTTP/1.1 200 Connection established\r\n\r\n";

test("a registry behind a proxy is reached through the proxy, and a registry on this host directly", async (context) => {
  const { cache } = await openImageCache(context);
  const { port, certificate } = await openTls(context);
  const asked: string[] = [];
  const address = await openProxy(context, (url, login, socket) => {
    asked.push(`${url} ${login}`);
    const onward = connect(port, "localhost", () => socket.write(ESTABLISHED));
    for (const end of [socket, onward]) end.on("error", () => [socket, onward].forEach((one) => one.destroy()));
    socket.pipe(onward).pipe(socket);
  });
  setVariables(context, { SSL_CERT_FILE: certificate, https_proxy: address, no_proxy: "internal.example" });
  await pull(cache, `localhost:${port}/me/tool`, { plainHttp: false });
  assert.deepEqual(asked, []);
  const failure = await pull(cache, "registry.example/me/tool", { plainHttp: false }).catch((error: unknown) => error);
  assert.equal((failure as { details: { reason: string } }).details.reason, "certificate", "its name is another one");
  assert.deepEqual(asked, [`registry.example:443 ${basic("me:secret")}`]);
});

test("a registry behind a proxy that never answers: a cancel and a time-out end the tunnel", async (context) => {
  const cancel = new AbortController();
  const closed: Promise<unknown>[] = [];
  const address = await openProxy(context, (url, _, socket) => {
    socket.write(ESTABLISHED);
    // The client's first words of TLS, which get no answer.
    socket.once("data", () => url.startsWith("cancelled") && cancel.abort());
    socket.once("data", () => url.startsWith("closing") && socket.end());
    closed.push(once(socket, "close"));
  });
  const open = (host: string, timeoutMs: number) =>
    tunnelThrough(new URL(address), new URL(`https://${host}.example`), { signal: cancel.signal, ca: [], timeoutMs });
  await assert.rejects(open("silent", 500), { code: "ETIMEDOUT", message: /silent\.example .* 0\.5 seconds/ });
  await assert.rejects(open("closing", 60_000), /disconnected|closed/);
  await assert.rejects(open("cancelled", 60_000), { name: "AbortError" });
  await Promise.all(closed);
  assert.equal(closed.length, 3);
});
