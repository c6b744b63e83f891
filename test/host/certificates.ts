import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A certificate authority of a test, and a server's certificate that it has signed, as files beneath a directory. */
export interface TestAuthority {
  readonly caPath: string;
  readonly caKeyPath: string;
  readonly pem: string;
}

/** Makes a certificate authority with the host's openssl. */
export function makeAuthority(directory: string, name: string, more: readonly string[] = []): TestAuthority {
  const place = mkdtempSync(join(directory, "ca-"));
  const [caPath, caKeyPath] = [join(place, "ca.pem"), join(place, "ca.key")];
  openssl([
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-keyout", caKeyPath, "-out", caPath, "-subj", `/O=pyro test/CN=${name}`, "-days", "2", ...more],
  ]);
  return { caPath, caKeyPath, pem: readFileSync(caPath, "utf8") };
}

/** A server's key and certificate for one name, signed by an authority. */
export function signServer(directory: string, authority: TestAuthority, host: string): { key: string; cert: string } {
  const place = mkdtempSync(join(directory, "server-"));
  const [keyPath, certPath] = [join(place, "key"), join(place, "cert")];
  openssl([
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-keyout", keyPath, "-out", certPath, "-subj", `/CN=${host}`, "-days", "2"],
    ...["-CA", authority.caPath, "-CAkey", authority.caKeyPath],
    ...["-addext", `subjectAltName=DNS:${host}`, "-addext", "basicConstraints=critical,CA:FALSE"],
  ]);
  return { key: readFileSync(keyPath, "utf8"), cert: readFileSync(certPath, "utf8") };
}

function openssl(args: readonly string[]): void {
  execFileSync("openssl", args, { stdio: "pipe" });
}
