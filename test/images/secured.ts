import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { after, before, test } from "node:test";

import { tar } from "../archive/raw-tar.js";
import { file } from "../archive/specimen.js";
import { json, makeImage } from "../environments/image/saved.js";
import { VmScratch } from "../vm/vm-scratch.js";
import { pushImage } from "./push.js";
import { type Registry, startRegistry } from "./registry.js";

/** `make test-images`: what a user's variables and files say about a registry reaches the daemon that a command starts. */
let scratch: VmScratch;
let open: Registry;
let closed: Registry;
let docker: string;

const image = makeImage([tar(file("a", "a"))]);

before(async () => {
  scratch = new VmScratch();
  docker = join(scratch.directory, "docker");
  mkdirSync(docker);
  const place = (name: string) => join(scratch.directory, name);
  open = await startRegistry(place("open"), { withTls: true });
  closed = await startRegistry(place("closed"), { withTls: true, withPassword: true });
  pushImage(scratch.directory, image, `${open.host}/tool`);
  pushImage(scratch.directory, image, `${closed.host}/tool`, ["--dest-tls-verify=false", "--dest-creds", "me:secret"]);
});
after(async () => {
  for (const registry of [open, closed]) registry.end();
  await scratch[Symbol.asyncDispose]();
});

const authorities = (name: "open" | "closed") => ({
  NODE_EXTRA_CA_CERTS: join(scratch.directory, name, "ca.crt"),
  DOCKER_CONFIG: docker,
});

/** Pulls an image by a daemon of its own, which has these variables, and removes it. Returns the error, or null. */
async function pull(reference: string, env: NodeJS.ProcessEnv) {
  const { stdout } = await scratch.pyro(["env", "pull", reference, "--json"], { env });
  const { error } = JSON.parse(stdout) as { error?: { code: string; message: string; hint: string } };
  if (error === undefined) await scratch.pyro(["env", "remove", reference]);
  await scratch.pyro(["daemon", "stop"]);
  return error ?? null;
}

const configure = (config: object) => writeFileSync(join(docker, "config.json"), json(config));
const login = (text: string) => ({ auths: { [closed.host]: { auth: Buffer.from(text).toString("base64") } } });

test("TLS with an authority of the test: refused without it, pulled with NODE_EXTRA_CA_CERTS or SSL_CERT_FILE", async () => {
  const error = await pull(`${open.host}/tool`, {});
  assert.equal(error?.code, "REGISTRY_UNREACHABLE");
  assert.match(error.message, /certificate of localhost:\d+ is not trusted/);
  assert.match(error.hint, /SSL_CERT_FILE/);
  assert.equal(await pull(`${open.host}/tool`, authorities("open")), null);
  assert.equal(await pull(`${open.host}/tool`, { SSL_CERT_FILE: authorities("open").NODE_EXTRA_CA_CERTS }), null);
});

test("TLS and a password: refused without a login and with a wrong one, pulled with the right one", async () => {
  const tried = () => pull(`${closed.host}/tool`, authorities("closed"));
  const none = await tried();
  assert.deepEqual([none?.code, /without a login/.test(none?.message ?? "")], ["REGISTRY_DENIED", true]);
  configure(login("me:wrong"));
  const wrong = await tried();
  assert.equal(wrong?.code, "REGISTRY_DENIED");
  assert.match(wrong.message, /refuses the stored login.* It says: authentication required/);
  assert.doesNotMatch(JSON.stringify(wrong), /me:wrong|bWU6d3Jvbmc/);
  configure(login("me:secret"));
  assert.equal(await tried(), null);
});

test("a credential helper in PATH, for one registry and for all: the daemon asks it", async () => {
  const programs = join(scratch.directory, "programs");
  mkdirSync(programs);
  const answer = '{"ServerURL":"x","Username":"me","Secret":"secret"}';
  const lines = ["#!/bin/sh", `[ "$1 $(cat)" = "get ${closed.host}" ] && echo '${answer}'`];
  for (const config of [{ credHelpers: { [closed.host]: "pyro-test" } }, { credsStore: "pyro-test" }]) {
    configure(config);
    const missing = await pull(`${closed.host}/tool`, authorities("closed"));
    assert.equal(missing?.code, "REGISTRY_DENIED");
    assert.match(`${missing.message} ${missing.hint}`, /docker-credential-pyro-test .*PATH.*pyro daemon stop/s);
    writeFileSync(join(programs, "docker-credential-pyro-test"), `${lines.join("\n")}\n`, { mode: 0o755 });
    const PATH = `${programs}${delimiter}${process.env["PATH"]}`;
    assert.equal(await pull(`${closed.host}/tool`, { ...authorities("closed"), PATH }), null);
  }
});
