import { PyroError } from "../contract/errors.js";
import type { Channel } from "./channel.js";
import { type BriefOptions, NOT_FOUND_STATUS, runBriefly } from "./run-for-exit.js";

/** All certificates that the guest trusts, and those that the host added. */
const BUNDLE = "/etc/ssl/certs/ca-certificates.crt";
const FOLDER = "/usr/local/share/ca-certificates";
const ADDED = `${FOLDER}/pyro-host.pem`;

/** How long the guest may take. A guest that must compute the hashes of hundreds of certificates itself takes longest. */
const TRUST_MS = 120_000;
/** How long certificates are added to an image's Java, which starts once for each of them. */
const KEYTOOL_S = 45;

/** Variables of programs that have their own store, or would be slow with another store. */
export const trustEnv: Readonly<Record<string, string>> = {
  AWS_CA_BUNDLE: BUNDLE,
  CARGO_HTTP_CAINFO: BUNDLE,
  CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: BUNDLE,
  CURL_CA_BUNDLE: BUNDLE,
  DENO_CERT: ADDED,
  GIT_SSL_CAINFO: BUNDLE,
  GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: BUNDLE,
  HTTPLIB2_CA_CERTS: BUNDLE,
  NIX_SSL_CERT_FILE: BUNDLE,
  NODE_EXTRA_CA_CERTS: ADDED,
  PIP_CERT: BUNDLE,
  REQUESTS_CA_BUNDLE: BUNDLE,
  SSL_CERT_FILE: BUNDLE,
};

/** A certificate in the form that a guest gets. */
export interface TrustedPem {
  readonly pem: string;
  /** OpenSSL's hash of its subject; with null the guest's openssl computes it, which takes long under emulation. */
  readonly subjectHash: string | null;
}

/**
 * Makes a guest trust certificates, as `update-ca-certificates` would in a hundred times the time. It writes a file for each into the
 * folder of added certificates, the bundle, and the links by which OpenSSL finds a certificate. A later run of `update-ca-certificates`
 * gives the same result. Throws VM_START_FAILED when the guest cannot do it in time, and the signal's reason.
 */
export async function trustCertificates(
  channel: Channel,
  certificates: readonly TrustedPem[],
  { signal, timeoutMs = TRUST_MS }: Omit<BriefOptions, "stdin"> = {},
): Promise<void> {
  const stdin = toStream([Buffer.from(buildTrustScript(certificates))]);
  const status = await runBriefly(channel, "sh -s", { stdin, timeoutMs, ...(signal && { signal }) });
  if (status === 0) return;
  throw new PyroError(
    "VM_START_FAILED",
    `The guest cannot store the host's certificates: ${explainStatus(status, timeoutMs)}.`,
    {
      hint: "Start it without --network-host-ca and --network-host-proxy, or use an environment of the catalog.",
    },
  );
}

function explainStatus(status: number | null, timeoutMs: number): string {
  if (status === null) return `it did not end within ${timeoutMs / 1_000} s`;
  if (status === NOT_FOUND_STATUS) return "it has no /bin/sh";
  return `exit status ${status}`;
}

/** The script, which brings the certificates along and starts few programs. Pure. */
export function buildTrustScript(certificates: readonly TrustedPem[]): string {
  return [
    "set -e",
    `for folder in ${FOLDER} /etc/ssl/certs; do [ -d $folder ] || mkdir -p $folder; done`,
    // A distribution that keeps its bundle elsewhere gets a link, so that one path serves all.
    "for other in /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do",
    `  [ -e ${BUNDLE} ] || [ ! -f $other ] || ln -s $other ${BUNDLE}`,
    "done",
    "cd /etc/ssl/certs",
    `: >${ADDED}`,
    // A saved environment may have them.
    "trust() {",
    `  printf '%s\\n' "$3" >>${ADDED}`,
    `  if [ -e ${FOLDER}/$1.crt ] && [ "$(cat ${FOLDER}/$1.crt)" = "$3" ]; then return 0; fi`,
    `  printf '%s\\n' "$3" >${FOLDER}/$1.crt`,
    `  printf '%s\\n' "$3" >>${BUNDLE}`,
    `  ln -sf ${FOLDER}/$1.crt $1.pem`,
    "  hash=${2:-$(openssl x509 -noout -subject_hash -in $1.pem 2>/dev/null)} || return 0",
    "  number=0; while [ -e $hash.$number ]; do number=$((number + 1)); done",
    "  ln -s $1.pem $hash.$number",
    "}",
    ...certificates.map(
      ({ pem, subjectHash }, index) => `trust ${nameOf(index)} '${subjectHash ?? ""}' '${pem.trim()}'`,
    ),
    ...buildVariablesScript(),
    ...buildJavaScript(certificates.map((_, index) => nameOf(index))),
    "",
  ].join("\n");
}

function nameOf(index: number): string {
  return `pyro-host-${index + 1}`;
}

/** The variables for programs behind su and cron, which read /etc/environment (its last line for a name counts), and behind sudo. */
function buildVariablesScript(): string[] {
  const keep = `Defaults env_keep += "${Object.keys(trustEnv).join(" ")}"`;
  const text = Object.entries(trustEnv)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
  return [
    `if ! grep -qs '^SSL_CERT_FILE=${BUNDLE}$' /etc/environment; then`,
    // The file may have no line break at its end.
    `  { [ -z "$(tail -c 1 /etc/environment 2>/dev/null)" ] || echo; printf '%s' '${text}'; } >>/etc/environment`,
    "fi",
    "if [ -d /etc/sudoers.d ]; then",
    `  echo '${keep}' >/etc/sudoers.d/pyro-host-ca`,
    "  chmod 440 /etc/sudoers.d/pyro-host-ca",
    "fi",
  ];
}

/** Java has a store of its own. Debian keeps it by a hook, which reads the names of new certificates; elsewhere keytool adds them. */
function buildJavaScript(names: readonly string[]): string[] {
  return [
    "hook=/etc/ca-certificates/update.d/jks-keystore",
    "tool=$(command -v ${JAVA_HOME:+$JAVA_HOME/bin/}keytool) || tool=",
    "if [ -x $hook ] && [ -e /etc/ssl/certs/java/cacerts ]; then",
    `  for name in ${names.join(" ")}; do echo +/etc/ssl/certs/$name.pem; done | $hook || :`,
    'elif [ -n "$tool" ]; then',
    `  end=$(($(date +%s) + ${KEYTOOL_S}))`,
    `  for name in ${names.join(" ")}; do`,
    "    [ $(date +%s) -lt $end ] || break",
    `    "$tool" -importcert -cacerts -storepass changeit -noprompt -alias $name -file ${FOLDER}/$name.crt || :`,
    "  done",
    "fi",
  ];
}

async function* toStream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}
