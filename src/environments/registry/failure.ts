import { PyroError } from "../../contract/errors.js";
import { imageError } from "../image/failure.js";
import type { RegistryReference } from "./reference.js";
import { renderReference } from "./reference.js";

/** An answer with an unexpected status, with the registry's own message. */
export interface RefusedAnswer {
  readonly status: number;
  /** Null when the registry gave no reason. */
  readonly said: string | null;
  /** Seconds until another try, as the registry requests. */
  readonly retryAfter: string | null;
}

export interface Refused {
  /** Whether the registry was given a login. */
  readonly isKnown: boolean;
  /** The digest of the part of an image that was asked for; null for the image itself. */
  readonly part: string | null;
}

/** The error for an unsuccessful answer. */
export function refusedError(
  reference: RegistryReference,
  answer: RefusedAnswer,
  { isKnown, part }: Refused,
): PyroError {
  const { status, said, retryAfter } = answer;
  const { registry } = reference;
  const image = renderReference(reference);
  const details = { registry, environment: image, status, said };
  const words = said === null ? "" : ` It says: ${said}`;
  if (status === 401 || status === 403) {
    const message = isKnown
      ? `The registry ${registry} refuses the stored login for ${image}.${words}`
      : `The registry ${registry} does not give access to ${image} without a login.${words}`;
    return new PyroError("REGISTRY_DENIED", message, { details });
  }
  if (status === 404 && part !== null)
    return imageError("invalid", `The registry ${registry} lacks a part of ${image}: ${part}.`, { ...details, part });
  if (status === 404)
    return imageError(
      "not_found",
      `The registry ${registry} has no ${image}.`,
      details,
      undefined,
      "Check the name and the tag.",
    );
  if (status === 429) {
    const wait = retryAfter === null ? "" : ` Retry after: ${retryAfter}.`;
    const limited = { ...details, retry_after: retryAfter };
    return new PyroError("REGISTRY_RATE_LIMITED", `The registry ${registry} limits the rate of pulls.${words}${wait}`, {
      details: limited,
    });
  }
  const message = `The registry ${registry} answers with status ${status}.${words}`;
  return new PyroError("REGISTRY_UNREACHABLE", message, { details: { reason: "server", ...details } });
}

/** The error of a token server, which answers for the registry. */
export function tokenError({ registry }: RegistryReference, server: string, said: string): PyroError {
  return new PyroError("REGISTRY_UNREACHABLE", `The token server ${server} of ${registry} ${said}.`, {
    details: { reason: "token", registry, server },
  });
}

const certificateCodes = /^(DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|CERT_|ERR_TLS_CERT_|HOSTNAME_MISMATCH)/;

/** OpenSSL's words for an answer that is not TLS, such as one of plain HTTP. */
const isNoTls = /wrong.version.number|packet.length.too.long|http.request|unknown.protocol/i;

/** OpenSSL's reason: the last but two of the parts between its colons. */
function openSslReason(message: string): string {
  return /SSL routines:[^:]*:([^:]+):/.exec(message)?.[1] ?? message;
}

/** The error of a connection that failed, or that broke. */
export function connectionError(registry: string, host: string, error: unknown): PyroError {
  if (error instanceof PyroError) return error;
  const cause = error instanceof Error ? error : new Error(String(error));
  const code = "code" in cause ? String(cause.code) : "";
  const details = { registry, host, cause: code };
  const fail = (reason: string, message: string, hint?: string) =>
    new PyroError("REGISTRY_UNREACHABLE", message, { ...(hint && { hint }), details: { reason, ...details }, cause });
  if (isNoTls.test(`${code} ${cause.message}`))
    return fail(
      "plain_http",
      `${host} does not speak TLS.`,
      `For a registry on this host with a login and without TLS: \`pyro env pull --plain-http REFERENCE\`.`,
    );
  if (code === "EPROTO" || code.startsWith("ERR_SSL_"))
    return fail("tls", `The TLS handshake with ${host} failed: ${openSslReason(cause.message)}.`);
  if (certificateCodes.test(code))
    return fail(
      "certificate",
      `The certificate of ${host} is not trusted: ${cause.message}.`,
      `Add its authority to those of this host, as /etc/docker/certs.d/${registry}/ca.crt, or to SSL_CERT_FILE; the daemon reads variables when it starts (\`pyro daemon stop\`).`,
    );
  const place = host === registry ? `the registry ${registry}` : `${host} for the registry ${registry}`;
  return fail("network", `Cannot reach ${place}: ${cause.message || code}.`);
}
