import { createHash, createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";

import { bits, boolean, context, integer, octets, oid, sequence, setOf, text, time } from "./der.js";

/** A certificate in PEM, and the key that belongs to it. */
export interface Certified {
  readonly certificate: string;
  readonly key: KeyObject;
}

const DAY_MS = 86_400_000;
/** Clocks of clients may be behind. */
const EARLIER_MS = DAY_MS;
const AUTHORITY_DAYS = 3_650;
/** Some clients refuse a server's certificate that lasts longer. */
export const SERVER_DAYS = 397;

const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));
const oids = {
  commonName: "2.5.4.3",
  subjectKey: "2.5.29.14",
  keyUsage: "2.5.29.15",
  alternativeNames: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  authorityKey: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuthentication: "1.3.6.1.5.5.7.3.1",
};
const DNS_NAME = 2;
const IP_ADDRESS = 7;

export function newKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

/** An authority that clients can trust without risk: its certificates are valid for names below `localhost` and for loopback addresses alone. */
export function makeAuthority(name: string, now = Date.now()): Certified {
  const key = newKey();
  const loopback4 = Buffer.from([127, 0, 0, 0, 255, 0, 0, 0]);
  const loopback6 = Buffer.concat([Buffer.alloc(15), Buffer.of(1), Buffer.alloc(16, 255)]);
  const permitted = [
    sequence(context(DNS_NAME, false, Buffer.from("localhost"))),
    sequence(context(IP_ADDRESS, false, loopback4)),
    sequence(context(IP_ADDRESS, false, loopback6)),
  ];
  const extensions = [
    extension(oids.basicConstraints, true, sequence(boolean(true), integer(Buffer.of(0)))),
    // Signing of certificates alone.
    extension(oids.keyUsage, true, bits(Buffer.of(0x04), 2)),
    extension(oids.nameConstraints, true, sequence(context(0, true, ...permitted))),
    extension(oids.subjectKey, false, octets(keyIdOf(key))),
  ];
  const certificate = issue({ name, issuer: name, key, signingKey: key, extensions, now, days: AUTHORITY_DAYS });
  return { certificate, key };
}

/** A certificate of a server with this DNS name, or with the loopback addresses and `localhost` for null. */
export function makeServerCertificate(
  authority: { readonly name: string; readonly key: KeyObject },
  dnsName: string | null,
  key: KeyObject,
  now = Date.now(),
): string {
  const dns = (name: string) => context(DNS_NAME, false, Buffer.from(name));
  const names =
    dnsName === null ? [dns("localhost"), context(IP_ADDRESS, false, Buffer.of(127, 0, 0, 1))] : [dns(dnsName)];
  const extensions = [
    extension(oids.basicConstraints, true, sequence()),
    // Digital signatures alone.
    extension(oids.keyUsage, true, bits(Buffer.of(0x80), 7)),
    extension(oids.extendedKeyUsage, false, sequence(oid(oids.serverAuthentication))),
    extension(oids.alternativeNames, false, sequence(...names)),
    extension(oids.subjectKey, false, octets(keyIdOf(key))),
    extension(oids.authorityKey, false, sequence(context(0, false, keyIdOf(authority.key)))),
  ];
  const name = "pyro e2b gateway";
  return issue({ name, issuer: authority.name, key, signingKey: authority.key, extensions, now, days: SERVER_DAYS });
}

interface Wanted {
  readonly name: string;
  readonly issuer: string;
  readonly key: KeyObject;
  readonly signingKey: KeyObject;
  readonly extensions: readonly Buffer[];
  readonly now: number;
  readonly days: number;
}

function issue({ name, issuer, key, signingKey, extensions, now, days }: Wanted): string {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x01;
  const version3 = context(0, true, integer(Buffer.of(2)));
  const validity = sequence(time(new Date(now - EARLIER_MS)), time(new Date(now + days * DAY_MS)));
  const body = sequence(
    ...[version3, integer(serial), ecdsaWithSha256, nameOf(issuer), validity, nameOf(name), publicKeyOf(key)],
    context(3, true, sequence(...extensions)),
  );
  const der = sequence(body, ecdsaWithSha256, bits(sign("sha256", body, signingKey)));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function nameOf(name: string): Buffer {
  return sequence(setOf(sequence(oid(oids.commonName), text(name))));
}

function publicKeyOf(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: "spki", format: "der" });
}

function keyIdOf(key: KeyObject): Buffer {
  return createHash("sha1").update(publicKeyOf(key)).digest();
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(isCritical ? [boolean(true)] : []), octets(value));
}
