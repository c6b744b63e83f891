import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { buildTrustScript, trustCertificates } from "../../src/guest/trust.js";
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

/** Runs the script in a mount namespace where the store of certificates belongs to the test. Returns its two directories. */
function runScript(bundle: string | null, subjectHash: string | null = null): { added: string; certs: string } {
  const place = mkdtempSync(join(directory, "guest-"));
  const [added, certs] = [join(place, "share", "ca-certificates"), join(place, "ssl", "certs")];
  mkdirSync(added, { recursive: true });
  mkdirSync(certs, { recursive: true });
  if (bundle !== null) writeFileSync(join(certs, "ca-certificates.crt"), bundle);
  const mounts = `mount --bind ${join(place, "share")} /usr/local/share && mount --bind ${join(place, "ssl")} /etc/ssl`;
  execFileSync("unshare", ["-Urm", "sh", "-c", `${mounts} && exec sh -s`], {
    input: buildTrustScript(authorities.map(({ pem }) => ({ pem, subjectHash }))),
  });
  return { added, certs };
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

test("a guest without a bundle gets one", () => {
  const { certs } = runScript(null);
  assert.equal(readFileSync(join(certs, "ca-certificates.crt"), "utf8").match(/BEGIN/g)?.length, 3);
});

test("a link is named after the host's subject hash, with a counter for certificates of the same hash", () => {
  const { certs } = runScript("", "0123abcd");
  const links = ["0123abcd.0", "0123abcd.1", "0123abcd.2"].map((name) => readlinkSync(join(certs, name)));
  assert.deepEqual(links, ["pyro-host-1.pem", "pyro-host-2.pem", "pyro-host-3.pem"]);
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
