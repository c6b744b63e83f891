import { PyroError } from "../../contract/errors.js";
import { isAccessible } from "../../host/files.js";
import { findProgram } from "../../host/find-program.js";
import { runTool } from "../../host/tool.js";
import type { TrustedCertificate } from "../../host/trust.js";
import type { Problem } from "../backend.js";
import { buildGateCommand, type GateProgram } from "./gate.js";

const TUN = "/dev/net/tun";
const TRIAL_DEADLINE_MS = 5_000;
/** How many certificate authorities of the host a guest trusts. */
const AUTHORITIES_MAX = 64;

/** Why a VM has no network where the container is the jail. */
const inContainer = {
  message:
    "A VM has no network in a container that is its jail: the gate needs a tap device and namespaces, which the container may not make.",
  command: "unset PYRO_JAIL; pyro daemon stop",
};

/** The programs for a VM's network, or the missing requirement. */
async function findGate(gatePath: string): Promise<GateProgram | Problem> {
  const nft = await findProgram("nft");
  if (nft === null) {
    return { message: "A VM's network needs nft, which is missing.", command: "sudo apt-get install nftables" };
  }
  if (!(await isAccessible(TUN))) {
    return {
      message: `A VM's network needs ${TUN}, which is missing or which you may not open.`,
      command: `sudo modprobe tun && sudo chmod 666 ${TUN}`,
    };
  }
  return { gate: gatePath, nft };
}

/** The same, for a VM that is about to start. `gatePath` is null in a container that is the jail. Throws HOST_NOT_ABLE, with the next step. */
export async function requireGate(gatePath: string | null): Promise<GateProgram> {
  if (gatePath === null) {
    throw new PyroError("HOST_NOT_ABLE", inContainer.message, {
      hint: "Do without --network, or use another machine over ssh: pyro context add NAME ssh://HOST.",
      details: { missing: "network" },
    });
  }
  const found = await findGate(gatePath);
  if ("gate" in found) return found;
  throw new PyroError("HOST_NOT_ABLE", found.message, {
    hint: `Run \`${found.command}\`, or do without --network.`,
    details: { missing: "network" },
  });
}

/** A guest takes each certificate as a file and a link, so their number has a limit. Throws HOST_NOT_ABLE above it. */
export function assertFewAuthorities(hostCa: readonly TrustedCertificate[]): void {
  if (hostCa.length <= AUTHORITIES_MAX) return;
  throw new PyroError(
    "HOST_NOT_ABLE",
    `This host has ${hostCa.length} certificate authorities of its own; a VM takes at most ${AUTHORITIES_MAX}.`,
    {
      hint: "Name a smaller bundle in SSL_CERT_FILE and the like, or do without --network-host-ca and --network-host-proxy.",
      details: { certificates: hostCa.length, limit: AUTHORITIES_MAX },
    },
  );
}

/** Makes a VM's network, without a VM. Null when that works. */
export async function tryNetwork(gatePath: string | null): Promise<Problem | null> {
  if (gatePath === null) return inContainer;
  const found = await findGate(gatePath);
  if (!("gate" in found)) return found;
  const [program, ...args] = buildGateCommand(found, null, null);
  const { exitCode, stderr } = await runTool(program, [...args, "--", "/bin/true"], { timeoutMs: TRIAL_DEADLINE_MS });
  if (exitCode === 0) return null;
  return {
    message: `A VM's network cannot be made: ${stderr.trim() || `exit status ${exitCode}`}`,
    command: "sudo modprobe -a tun nf_tables nft_tproxy",
  };
}
