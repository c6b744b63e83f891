import { rootCertificates } from "node:tls";

import { readFile, writeFileAtomic } from "../../../host/files.js";
import type { GatewayHome } from "../home.js";

/** Bundles of distributions; the first one that exists counts. */
const bundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
  "/etc/ssl/ca-bundle.pem",
];
/** Variables that replace a program's authorities, so that they need all of them. */
const replacing = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"] as const;

/** Variables with which programs trust the gateway's authority besides those that they trust already. */
export async function writeTrust(home: GatewayHome, env: NodeJS.ProcessEnv): Promise<Readonly<Record<string, string>>> {
  const own = home.authority.certificate;
  const isOurs = (path: string | undefined) => path === undefined || path === "" || [own, home.trusted].includes(path);
  const given = [...replacing.map((name) => env[name]), env["NODE_EXTRA_CA_CERTS"]].filter((path) => !isOurs(path));
  const replaced = replacing.some((name) => !isOurs(env[name]));
  const all = await Promise.all(
    [...new Set([...given, own])].map((path) => readFile(path ?? "", "utf8").catch(() => "")),
  );
  const usual = replaced ? [] : [await readUsual()];
  await writeFileAtomic(home.trusted, [...usual, ...all].map((text) => `${text.trim()}\n`).join(""));
  return {
    NODE_EXTRA_CA_CERTS: isOurs(env["NODE_EXTRA_CA_CERTS"]) ? own : home.trusted,
    ...Object.fromEntries(replacing.map((name) => [name, home.trusted])),
  };
}

/** The authorities that programs of this host trust without a variable. */
async function readUsual(): Promise<string> {
  for (const path of bundles) {
    const text = await readFile(path, "utf8").catch(() => "");
    if (text.includes("BEGIN CERTIFICATE")) return text;
  }
  return rootCertificates.join("\n");
}
