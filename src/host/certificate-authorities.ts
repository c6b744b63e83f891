import { join } from "node:path";
import { rootCertificates } from "node:tls";

import { readdir, readFile } from "./files.js";

/** Where distributions keep the bundle of the authorities that the host trusts. */
const BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];
/** Where container engines keep the authorities of one registry, a folder for each `HOST[:PORT]`. */
const ENGINES = "/etc/docker/certs.d";

/**
 * The certificate authorities for a server: those of Node.js and of the host, of `SSL_CERT_FILE` and `NODE_EXTRA_CA_CERTS`, and those
 * that container engines trust for it. Missing files are passed over.
 */
export async function readAuthorities(server: string, variables: NodeJS.ProcessEnv): Promise<string[]> {
  const own = variables["SSL_CERT_FILE"];
  const folder = join(ENGINES, server.replaceAll("/", ""));
  const files = await readdir(folder).catch(() => []);
  const paths = [
    ...(own ? [own] : BUNDLES),
    ...[variables["NODE_EXTRA_CA_CERTS"] ?? ""].filter((path) => path !== ""),
    ...files.filter((name) => name.endsWith(".crt")).map((name) => join(folder, name)),
  ];
  const texts = await Promise.all(paths.map((path) => readFile(path, "utf8").catch(() => "")));
  return [...rootCertificates, ...texts.filter((text) => text.includes("BEGIN "))];
}
