import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { buildTrustScript, trustCertificates, trustEnv } from "../../src/guest/trust.js";
import { AgentProcess } from "./agent-process.js";
import { makeAuthority, type TestAuthority } from "../host/certificates.js";

let directory: string;
let authorities: TestAuthority[];
before(() => {
  directory = mkdtempSync(join(tmpdir(), "pt-trust-"));
  // Two certificates of one name have one hash.
  authorities = ["Same Root", "Same Root", "Other Root"].map((name) => makeAuthority(directory, name));
});
after(() => rmSync(directory, { recursive: true }));

/** Runs the script in a mount namespace where the store of certificates belongs to the test. Returns its directories. */
function runScript(
  bundle: string | null,
  { subjectHash = null, java = "none" }: { subjectHash?: string | null; java?: "none" | "debian" | "other" } = {},
): { place: string; added: string; certs: string; run: () => void } {
  const place = mkdtempSync(join(directory, "guest-"));
  const [added, certs] = [join(place, "share", "ca-certificates"), join(place, "etc", "ssl", "certs")];
  mkdirSync(added, { recursive: true });
  mkdirSync(certs, { recursive: true });
  if (bundle !== null) writeFileSync(join(certs, "ca-certificates.crt"), bundle);
  const hooks = join(place, "etc", "ca-certificates");
  for (const folder of [join(hooks, "update.d"), join(place, "jdk", "bin"), join(certs, "java")])
    mkdirSync(folder, { recursive: true });
  const program = (path: string, script: string) => writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  program(join(place, "jdk", "bin", "keytool"), `echo "$@" >>${place}/keytool; exit 1`);
  if (java === "debian") {
    program(join(hooks, "update.d", "jks-keystore"), `cat >${place}/hook`);
    writeFileSync(join(certs, "java", "cacerts"), "");
  }
  writeFileSync(join(place, "etc", "environment"), "LANG=C.UTF-8\nSSL_CERT_FILE=/etc/ssl/of-the-image.pem");
  const binds = { share: "/usr/local/share", etc: "/etc" };
  const mounts = Object.entries(binds).map(([from, to]) => `mount --bind ${join(place, from)} ${to} && `);
  const run = () =>
    void execFileSync("unshare", ["-Urm", "sh", "-c", `${mounts.join("")}exec sh -s`], {
      env: { ...process.env, JAVA_HOME: java === "other" ? join(place, "jdk") : undefined },
      input: buildTrustScript(authorities.map(({ pem }) => ({ pem, subjectHash }))),
    });
  run();
  return { place, added, certs, run };
}

test("a guest gets each certificate as a file, in its bundle, and with a link named by its hash", () => {
  const { added, certs } = runScript("# shipped\n");
  assert.deepEqual(readdirSync(added).sort(), [
    "pyro-host-1.crt",
    "pyro-host-2.crt",
    "pyro-host-3.crt",
    "pyro-host.pem",
  ]);
  const all = authorities.map(({ pem }) => pem).join("");
  assert.equal(readFileSync(join(added, "pyro-host.pem"), "utf8"), all);
  assert.equal(readFileSync(join(certs, "ca-certificates.crt"), "utf8"), `# shipped\n${all}`);
  const links = readdirSync(certs).filter((name) => /^[0-9a-f]{8}\.\d$/.test(name));
  assert.deepEqual(links.map((name) => readlinkSync(join(certs, name))).sort(), [
    "pyro-host-1.pem",
    "pyro-host-2.pem",
    "pyro-host-3.pem",
  ]);
  assert.equal(new Set(links.map((name) => name.split(".")[0])).size, 2);
});

test("programs that sudo and su start get the variables: /etc/environment has each once, also after a second run", () => {
  const { place, certs, run } = runScript("");
  const before = readdirSync(certs);
  run();
  assert.deepEqual(readdirSync(certs), before);
  assert.equal(readFileSync(join(certs, "ca-certificates.crt"), "utf8").match(/BEGIN/g)?.length, 3);
  const lines = readFileSync(join(place, "etc", "environment"), "utf8").split("\n");
  const added = Object.entries(trustEnv).map(([name, value]) => `${name}=${value}`);
  assert.deepEqual(lines, ["LANG=C.UTF-8", "SSL_CERT_FILE=/etc/ssl/of-the-image.pem", ...added, ""]);
});

test("a guest without a bundle gets one", () => {
  const { certs } = runScript(null);
  assert.equal(readFileSync(join(certs, "ca-certificates.crt"), "utf8").match(/BEGIN/g)?.length, 3);
});

test("a link is named after the host's subject hash, with a counter for certificates of the same hash", () => {
  const { certs } = runScript("", { subjectHash: "0123abcd" });
  const links = ["0123abcd.0", "0123abcd.1", "0123abcd.2"].map((name) => readlinkSync(join(certs, name)));
  assert.deepEqual(links, ["pyro-host-1.pem", "pyro-host-2.pem", "pyro-host-3.pem"]);
});

test("the store of Java gets the certificates: by Debian's hook, else by keytool, whose failure does not fail the VM", () => {
  const debian = runScript("", { java: "debian" });
  const names = ["pyro-host-1", "pyro-host-2", "pyro-host-3"];
  assert.equal(
    readFileSync(join(debian.place, "hook"), "utf8"),
    names.map((name) => `+/etc/ssl/certs/${name}.pem\n`).join(""),
  );
  const other = runScript("", { java: "other" });
  const calls = readFileSync(join(other.place, "keytool"), "utf8").trim().split("\n");
  assert.equal(calls.length, 3);
  for (const [index, name] of names.entries()) {
    assert.match(
      calls[index] ?? "",
      new RegExp(`^-importcert -cacerts .* -alias ${name} -file /usr/local/share/ca-certificates/${name}\\.crt$`),
    );
  }
});

test("a guest that does not answer: the wait for its store ends in time, and at the caller's cancel", async () => {
  await using agent = new AgentProcess();
  const channel = await agent.connect();
  // It stays paused, so that the script never runs outside a guest.
  agent.setStill(true);
  const store = authorities.map(({ pem }) => ({ pem, subjectHash: null }));
  await assert.rejects(trustCertificates(channel, store, { timeoutMs: 200 }), { code: "VM_START_FAILED" });
  const cancel = new AbortController();
  const waiting = trustCertificates(channel, store, { signal: cancel.signal });
  cancel.abort();
  await assert.rejects(waiting, { name: "AbortError" });
  channel.close();
});
