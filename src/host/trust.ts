import { X509Certificate } from "node:crypto";
import { isAbsolute, join } from "node:path";
import { rootCertificates } from "node:tls";

import { readdir, readFile, stat } from "./files.js";
import { runTool } from "./tool.js";

/** A certificate authority that this host trusts besides those of its distribution. */
export interface TrustedCertificate {
  /** One line, such as `O = Example, CN = Example Root`. */
  readonly subject: string;
  /** SHA-256 of the certificate, in hex. */
  readonly fingerprint: string;
  /** ISO 8601, UTC. */
  readonly expiresAt: string;
  /** The certificate alone, encoded again. */
  readonly pem: string;
  /** OpenSSL's hash of the subject; null where the host has no openssl. */
  readonly subjectHash: string | null;
}

/** Where a host keeps its trusted certificates. */
export interface TrustPaths {
  /** Folders of certificates that an administrator added. */
  readonly added: readonly string[];
  /** The bundle that programs read: the distribution's certificates and the added ones. */
  readonly bundle: string;
  /** The distribution's certificates, a file each, in this folder or beneath it. Without them the additions in the bundle are unknown. */
  readonly distribution: string;
}

const hostTrust: TrustPaths = {
  added: [
    "/usr/local/share/ca-certificates",
    "/etc/pki/ca-trust/source/anchors",
    "/etc/ca-certificates/trust-source/anchors",
  ],
  bundle: "/etc/ssl/certs/ca-certificates.crt",
  distribution: "/usr/share/ca-certificates",
};

/** The largest file that is read for certificates. A distribution's bundle has 220 kB. */
const FILE_MAX_BYTES = 4 << 20;
/** How many files of a folder are read. */
const FILES_MAX = 1_000;
const HASH_DEADLINE_MS = 5_000;
/** The first byte of a certificate in DER: a sequence. */
const DER_BYTE = 0x30;
const PEM = /-----BEGIN (?:X509 )?CERTIFICATE-----([A-Za-z0-9+/=\s]+?)-----END (?:X509 )?CERTIFICATE-----/g;

/** The certificate authorities of this host that its distribution does not ship. `files` are further bundles, by absolute path. */
export async function readAddedCertificates(
  files: readonly string[] = [],
  paths: TrustPaths = hostTrust,
): Promise<TrustedCertificate[]> {
  const shipped = await readFolder(paths.distribution);
  const known = new Set([...shipped, ...rootCertificates.flatMap(splitPem)]);
  const added = (await Promise.all(paths.added.map(readFolder))).flat();
  const bundles = [...(shipped.length > 0 ? [paths.bundle] : []), ...files.filter((file) => isAbsolute(file))];
  const bundled = (await Promise.all(bundles.map(readCertificates))).flat();
  const candidates = new Set([...added, ...bundled].filter((certificate) => !known.has(certificate)));
  const authorities = [...candidates].flatMap((base64) => parseAuthority(base64) ?? []);
  const hashed: TrustedCertificate[] = [];
  // One after the other: a host may trust hundreds.
  for (const authority of authorities) hashed.push({ ...authority, subjectHash: await hashSubject(authority.pem) });
  return hashed;
}

/** The certificates of a file in PEM or DER, as base64 without white space. Empty for a path that is missing, not a file, or too large. */
async function readCertificates(path: string): Promise<string[]> {
  const facts = await stat(path).catch(() => null);
  if (!facts?.isFile() || facts.size > FILE_MAX_BYTES) return [];
  const content = await readFile(path).catch(() => Buffer.alloc(0));
  return content[0] === DER_BYTE ? [content.toString("base64")] : splitPem(content.toString("latin1"));
}

async function readFolder(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter(({ name }) => /\.(crt|pem|cer|der)$/.test(name)).slice(0, FILES_MAX);
  return (await Promise.all(files.map(({ parentPath, name }) => readCertificates(join(parentPath, name))))).flat();
}

function splitPem(text: string): string[] {
  return [...text.matchAll(PEM)].map(([, body]) => (body ?? "").replaceAll(/\s/g, ""));
}

/** Null for data that is not a certificate, for a server's certificate, and for an expired one. */
function parseAuthority(base64: string): Omit<TrustedCertificate, "subjectHash"> | null {
  try {
    const certificate = new X509Certificate(Buffer.from(base64, "base64"));
    const expiresAt = new Date(certificate.validTo);
    if (!(certificate.ca || certificate.checkIssued(certificate)) || !(expiresAt.getTime() > Date.now())) return null;
    return {
      subject: certificate.subject.replaceAll("\n", ", "),
      fingerprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
      expiresAt: expiresAt.toISOString(),
      pem: certificate.toString(),
    };
  } catch {
    return null;
  }
}

async function hashSubject(pem: string): Promise<string | null> {
  const options = { input: pem, timeoutMs: HASH_DEADLINE_MS };
  const ended = await runTool("openssl", ["x509", "-noout", "-subject_hash"], options).catch(() => null);
  return /^([0-9a-f]{8})\n$/.exec(ended?.stdout ?? "")?.[1] ?? null;
}
