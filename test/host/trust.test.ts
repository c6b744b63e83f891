import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { rootCertificates } from "node:tls";

import { readAddedCertificates, type TrustPaths } from "../../src/host/trust.js";
import { makeAuthority, signServer, type TestAuthority } from "./certificates.js";

let directory: string;
let company: TestAuthority;
let other: TestAuthority;
let shipped: TestAuthority;

before(() => {
  directory = mkdtempSync(join(tmpdir(), "pt-trust-"));
  [company, other, shipped] = ["Company Root", "Other Root", "Shipped Root"].map((name) =>
    makeAuthority(directory, name),
  ) as [TestAuthority, TestAuthority, TestAuthority];
});
after(() => rmSync(directory, { recursive: true }));

/** A host with one shipped certificate. */
function makeHost({
  bundle = "",
  added = {},
}: {
  bundle?: string;
  added?: Record<string, string | Buffer>;
}): TrustPaths {
  const host = mkdtempSync(join(directory, "host-"));
  const paths = { added: [join(host, "added")], bundle: join(host, "bundle.crt"), distribution: join(host, "shipped") };
  mkdirSync(join(host, "added"));
  mkdirSync(join(host, "shipped", "mozilla"), { recursive: true });
  writeFileSync(join(host, "shipped", "mozilla", "shipped.crt"), shipped.pem);
  writeFileSync(paths.bundle, bundle);
  for (const [name, text] of Object.entries(added)) writeFileSync(join(host, "added", name), text);
  return paths;
}

const subjects = async (paths: TrustPaths, files: readonly string[] = []) =>
  (await readAddedCertificates(files, paths)).map(({ subject }) => /CN=(.*)/.exec(subject)?.[1]).sort();

test("a host that trusts only its distribution's certificates has no additional ones", async () => {
  const bundle = [shipped.pem, ...rootCertificates.slice(0, 5)].join("\n");
  assert.deepEqual(await readAddedCertificates([], makeHost({ bundle })), []);
});

test("a certificate that was added to the bundle and its folder is found once, with its facts", async () => {
  const paths = makeHost({ bundle: `${shipped.pem}${company.pem}`, added: { "company.crt": company.pem } });
  const [found, ...more] = await readAddedCertificates([], paths);
  assert.deepEqual(more, []);
  assert.equal(found!.subject, "O=pyro test, CN=Company Root");
  assert.match(found!.fingerprint, /^[0-9a-f]{64}$/);
  assert.ok(Date.parse(found!.expiresAt) > Date.now());
  assert.match(found!.subjectHash ?? "", /^[0-9a-f]{8}$/);
  assert.equal(found!.pem.trim(), company.pem.trim());
});

test("files named by the caller's variables are read, and only additional certificates are taken", async () => {
  assert.deepEqual(await subjects(makeHost({ bundle: company.pem }), [company.caPath, other.caPath]), [
    "Company Root",
    "Other Root",
  ]);
  assert.deepEqual(await subjects(makeHost({}), ["relative.pem", join(directory, "missing")]), []);
});

test("keys, comments and damaged certificates are never copied", async () => {
  const key = readFileSync(company.caKeyPath, "utf8");
  const damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const paths = makeHost({ added: { "all.pem": `# secret\n${key}${damaged}${company.pem}${key}` } });
  const found = await readAddedCertificates([], paths);
  assert.equal(found.length, 1);
  assert.doesNotMatch(JSON.stringify(found), /PRIVATE|secret|AAAA-/);
});

test("certificates in DER are read, from the folder and from a caller's file", async () => {
  const inDer = ({ caPath }: TestAuthority) => execFileSync("openssl", ["x509", "-in", caPath, "-outform", "DER"]);
  const file = join(directory, "other.der");
  writeFileSync(file, inDer(other));
  const added = {
    "company.der": inDer(company),
    "half.crt": inDer(company).subarray(0, 100),
    "twice.crt": company.pem,
  };
  assert.deepEqual(await subjects(makeHost({ added }), [file]), ["Company Root", "Other Root"]);
});

test("a certificate of one server and an expired authority are left out; a server's own without an authority is kept", async () => {
  const server = signServer(directory, company, "server.example").cert;
  const expired = makeAuthority(directory, "Expired Root");
  const past = join(directory, "expired.pem");
  const args = ["x509", "-in", expired.caPath, "-signkey", expired.caKeyPath, "-days", "-1", "-out", past];
  execFileSync("openssl", args, { stdio: "pipe" });
  const own = makeAuthority(directory, "own.example", ["-addext", "basicConstraints=CA:FALSE"]);
  const paths = makeHost({ added: { "a.crt": server, "b.crt": readFileSync(past, "utf8"), "c.crt": own.pem } });
  assert.deepEqual(await subjects(paths), ["own.example"]);
});

test("a distribution without a list of its own: the additional certificates are those of the folders and files", async () => {
  const paths = { ...makeHost({ bundle: company.pem, added: { "o.crt": other.pem } }), distribution: "/nonexistent" };
  assert.deepEqual(await subjects(paths), ["Other Root"]);
});

test("a path that is not a file, or is larger than any bundle, is not read", async () => {
  const large = join(directory, "large.pem");
  writeFileSync(large, company.pem + "\n".repeat(5 << 20));
  assert.deepEqual(await subjects(makeHost({}), ["/dev/zero", directory, large]), []);
});
