import type { MachineNetwork, NetworkRequest } from "../../backend/backend.js";
import { isTrustVariable } from "../../contract/host-variables.js";
import { PyroError } from "../../contract/errors.js";
import type { ResultOf } from "../../contract/operations.js";
import type { TrustedCertificate } from "../../host/trust.js";
import type { TaskRecord } from "../../store/task-record.js";

type NetworkInfo = NonNullable<ResultOf<"vm.network_info">["network"]>;

/** The network that a caller requests; null for none. Throws INVALID_ARGUMENT for network options without a network. */
export function networkRequestOf(input: {
  readonly network: boolean;
  readonly network_allow: readonly string[];
  readonly network_deny: readonly string[];
  readonly network_allow_host: readonly string[];
  readonly network_host_proxy: boolean;
  readonly network_host_ca: boolean;
  readonly network_host_env: Readonly<Record<string, string>>;
}): NetworkRequest | null {
  const { network_allow: allow, network_deny: deny, network_allow_host: allowHosts } = input;
  const { network_host_proxy, network_host_ca } = input;
  const hostCaFiles = network_host_ca || network_host_proxy ? trustFilesOf(input.network_host_env) : null;
  const settings = Object.entries(input.network_host_env).filter(([name]) => !isTrustVariable(name));
  const hostEnv = network_host_proxy ? Object.fromEntries(settings) : {};
  if (input.network) return { allow, deny, allowHosts, hostEnv, hostCaFiles };
  if (allow.length + deny.length + allowHosts.length === 0 && hostCaFiles === null) return null;
  throw new PyroError(
    "INVALID_ARGUMENT",
    "A VM without a network cannot open or close addresses or use the host's proxy or certificates.",
    {
      hint: "Add --network.",
      details: { network_allow: allow, network_deny: deny, network_allow_host: allowHosts },
    },
  );
}

/** A network as a record keeps it. */
export function networkPolicyOf(request: NetworkRequest | null): TaskRecord["network_policy"] {
  if (request === null) return null;
  const { allow, deny, allowHosts, hostEnv, hostCaFiles } = request;
  return {
    allow: [...allow],
    deny: [...deny],
    allow_hosts: [...allowHosts],
    host_env: { ...hostEnv },
    host_ca_files: hostCaFiles && [...hostCaFiles],
  };
}

/** The network of a task's next VM. A record of an earlier version says only whether there is one. */
export function networkOfRecord({ network, network_policy: policy }: TaskRecord): NetworkRequest | null {
  if (!network) return null;
  return {
    allow: policy?.allow ?? [],
    deny: policy?.deny ?? [],
    allowHosts: policy?.allow_hosts ?? [],
    hostEnv: policy?.host_env ?? {},
    hostCaFiles: policy?.host_ca_files ?? null,
  };
}

/** The bundles of certificates that a caller's variables name. */
export function trustFilesOf(hostEnv: Readonly<Record<string, string>>): string[] {
  const named = Object.entries(hostEnv).filter(([name]) => isTrustVariable(name));
  return [...new Set(named.map(([, path]) => path))].sort();
}

/** A certificate authority as the contract has it. */
export function viewAuthority({ subject, fingerprint, expiresAt }: TrustedCertificate) {
  return { subject, fingerprint_sha256: fingerprint, expires_at: expiresAt };
}

/** A machine's network as the contract has it. */
export async function viewNetwork(network: MachineNetwork | null): Promise<NetworkInfo | null> {
  if (network === null) return null;
  const { guest, forwards } = network;
  const { allow, deny, allowHosts } = network.request;
  const report = await network.report();
  return {
    state: report ? "up" : "down",
    mac: guest.mac,
    mtu: guest.mtu,
    addresses: [`${guest.address4}/${guest.prefix4}`, ...(guest.v6 ? [`${guest.v6.address}/${guest.v6.prefix}`] : [])],
    routes: [
      { destination: "0.0.0.0/0", gateway: guest.gateway4 },
      ...(guest.v6 ? [{ destination: "::/0", gateway: guest.v6.gateway }] : []),
    ],
    resolvers: [...guest.resolvers],
    policy: {
      default: allowHosts.length > 0 ? "names" : "public",
      allow_hosts: [...allowHosts],
      allow: [...allow],
      deny: [...deny],
      forwards: forwards.map(({ port, to }) => ({ gateway_port: port, to })),
    },
    host_ca: network.hostCa.map(viewAuthority),
    counters: report && {
      sent_bytes: report.sentBytes,
      received_bytes: report.receivedBytes,
      tcp_connections: report.tcpConnections,
      udp_flows: report.udpFlows,
      refused: report.refused,
    },
    last_refused: (report?.lastRefused ?? []).map(({ at, ...refused }) => ({ ...refused, at: at.toISOString() })),
  };
}
