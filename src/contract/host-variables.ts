/** Variables that name a proxy, in lower case. */
export const proxyVariables = ["all_proxy", "ftp_proxy", "http_proxy", "https_proxy", "no_proxy"] as const;

/** Variables with the host's way to the network, in lower case: its proxies, and a Debian mirror for pyro. */
export const networkVariables: ReadonlySet<string> = new Set([...proxyVariables, "pyro_debian_mirror"]);

/** Variables that name a bundle of certificates, in lower case. */
export const trustVariables: ReadonlySet<string> = new Set([
  "aws_ca_bundle",
  "cargo_http_cainfo",
  "cloudsdk_core_custom_ca_certs_file",
  "curl_ca_bundle",
  "deno_cert",
  "git_ssl_cainfo",
  "grpc_default_ssl_roots_file_path",
  "httplib2_ca_certs",
  "nix_ssl_cert_file",
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
