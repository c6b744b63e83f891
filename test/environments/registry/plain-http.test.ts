import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { connectionError } from "../../../src/environments/registry/failure.js";
import { tar } from "../../archive/raw-tar.js";
import { file } from "../../archive/specimen.js";
import { makeImage } from "../image/saved.js";
import { openImageCache, pull, setVariables } from "./cache.js";
import { registryDouble } from "./double.js";

const image = makeImage([tar(file("a", "a"))]);

test("plain HTTP is for this host's loopback only, and with a login only when asked for", async (context) => {
  const { directory, cache } = await openImageCache(context);
  const registry = await registryDouble(context);
  registry.push(image);
  await assert.rejects(pull(cache, "192.0.2.1:5000/me/tool"), { code: "INVALID_ARGUMENT" });
  setVariables(context, { DOCKER_CONFIG: directory });
  const auth = Buffer.from("me:secret").toString("base64");
  writeFileSync(join(directory, "config.json"), JSON.stringify({ auths: { [registry.host]: { auth } } }));
  await assert.rejects(
    pull(cache, `${registry.host}/me/tool`, { plainHttp: false }),
    (error: { code: string; details: { reason: string } }) => {
      assert.deepEqual([error.code, error.details.reason], ["REGISTRY_UNREACHABLE", "plain_http"]);
      return true;
    },
  );
  assert.deepEqual(registry.requests, []);
  await pull(cache, `${registry.host}/me/tool`, { plainHttp: true });
});

test("a registry of this host without TLS and without a login needs no flag, for a pull and for a check of its tag", async (context) => {
  const { cache } = await openImageCache(context);
  const registry = await registryDouble(context);
  registry.push(image);
  const name = `${registry.host}/me/tool`;
  await pull(cache, name, { plainHttp: false });
  const { registryChecked, built } = await pull(cache, name, { plainHttp: false });
  assert.deepEqual([registryChecked, built], [true, false]);
  // The answer of a server without TLS to a redirect does not make the registry one.
  const other = await registryDouble(context);
  registry.intercept = (_, response) => {
    response.writeHead(307, { location: `https://${other.host}/elsewhere` }).end();
    return true;
  };
  await assert.rejects(pull(cache, name, { update: true, plainHttp: false }), { code: "REGISTRY_UNREACHABLE" });
  assert.deepEqual(other.requests, []);
});

test("only an answer without TLS is reported as plain_http; a failed handshake is reported as tls", () => {
  const routine = (reason: string) =>
    Object.assign(new Error(`write EPROTO 80:error:0A:SSL routines:ssl3_read_bytes:${reason}:../deps/ssl.c:1:`), {
      code: "EPROTO",
    });
  const told = (reason: string) => connectionError("localhost:5000", "localhost:5000", routine(reason));
  assert.equal(told("wrong version number").details["reason"], "plain_http");
  const refused = told("sslv3 alert handshake failure");
  assert.equal(refused.details["reason"], "tls");
  assert.equal(refused.message, "The TLS handshake with localhost:5000 failed: sslv3 alert handshake failure.");
});
