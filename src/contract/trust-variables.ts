/** Variables that name a bundle of certificates, in lower case. */
export const trustVariables: ReadonlySet<string> = new Set([
  "aws_ca_bundle",
  "cargo_http_cainfo",
  "curl_ca_bundle",
  "git_ssl_cainfo",
  "node_extra_ca_certs",
  "npm_config_cafile",
  "pip_cert",
  "requests_ca_bundle",
  "ssl_cert_file",
]);

/** True for a variable that names certificates for programs to trust. */
export function isTrustVariable(name: string): boolean {
  return trustVariables.has(name.toLowerCase());
}
