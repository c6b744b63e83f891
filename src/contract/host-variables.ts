/** Variables that name a proxy, in lower case. */
export const proxyVariables = ["all_proxy", "ftp_proxy", "http_proxy", "https_proxy", "no_proxy"] as const;

/** Variables with the host's way to the network, in lower case: its proxies, and a Debian mirror for pyro. */
export const networkVariables: ReadonlySet<string> = new Set([...proxyVariables, "pyro_debian_mirror"]);

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
