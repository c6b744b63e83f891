import type { Channel } from "./channel.js";
import { Exec, exitStatusOf } from "./exec.js";

/** All that the guest trusts, and of that what the host added. */
const BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
const ADDED = "/usr/local/share/ca-certificates/pyro-host.pem";

/** Variables of programs that have a store of their own, or would be slow with another. */
export const trustEnv: Readonly<Record<string, string>> = {
  AWS_CA_BUNDLE: BUNDLE,
  CARGO_HTTP_CAINFO: BUNDLE,
  CURL_CA_BUNDLE: BUNDLE,
  DENO_CERT: ADDED,
  GIT_SSL_CAINFO: BUNDLE,
  NODE_EXTRA_CA_CERTS: ADDED,
  PIP_CERT: BUNDLE,
  REQUESTS_CA_BUNDLE: BUNDLE,
  SSL_CERT_FILE: BUNDLE,
};

/**
 * Makes a guest trust certificates, as `update-ca-certificates` would in a hundred times the time: a file each in the folder that it
 * reads, the bundle, and the links by which OpenSSL finds a certificate. A later run of it gives the same.
 */
export async function trustCertificates(channel: Channel, pems: readonly string[]): Promise<void> {
  const stdin = [Buffer.from(buildTrustScript(pems))];
  const request = { command: "sh -s", cwd: "/", env: {}, stdin: toStream(stdin), onOutput: async () => {} };
  const exec = await Exec.start(channel, request);
  const status = exitStatusOf(await exec.finished);
  await exec.release();
  if (status !== 0) throw new Error(`the guest's store of certificates could not be written: exit status ${status}`);
}

/** The script, which brings the certificates along. Pure. */
export function buildTrustScript(pems: readonly string[]): string {
  const names = pems.map((_, index) => `pyro-host-${index + 1}`);
  return [
    "set -e",
    `mkdir -p /usr/local/share/ca-certificates /etc/ssl/certs`,
    "cd /usr/local/share/ca-certificates",
    ...pems.map((pem, index) => `cat >${names[index]}.crt <<'END'\n${pem.trim()}\nEND`),
    `cat ${names.map((name) => `${name}.crt`).join(" ")} >${ADDED}`,
    // A distribution that keeps its bundle elsewhere gets a link, so that one path serves all.
    `for other in /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do`,
    `  [ -e ${BUNDLE} ] || [ ! -f "$other" ] || ln -s "$other" ${BUNDLE}`,
    "done",
    `cat ${ADDED} >>${BUNDLE}`,
    "cd /etc/ssl/certs",
    `for name in ${names.join(" ")}; do`,
    '  ln -sf "/usr/local/share/ca-certificates/$name.crt" "$name.pem"',
    '  hash=$(openssl x509 -noout -subject_hash -in "$name.pem" 2>/dev/null) || continue',
    '  number=0; while [ -e "$hash.$number" ]; do number=$((number + 1)); done',
    '  ln -s "$name.pem" "$hash.$number"',
    "done",
    "",
  ].join("\n");
}

async function* toStream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
