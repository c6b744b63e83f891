import { z } from "zod";

import { connectSocketFile } from "../../host/socket-file.js";
import { readAll } from "../../host/socket.js";
import type { MachineNetwork, NetworkReport } from "../backend.js";
import { LIFELINE_FD, TAP_FD } from "./argv.js";
import { buildGateArgs, type NetworkPlan } from "./network.js";
import type { JailSpec } from "./jail.js";

const REPORT_DEADLINE_MS = 5_000;
const REPORT_MAX_BYTES = 65_536;

/** The programs of a VM's network. */
export interface GateProgram {
  readonly gate: string;
  readonly nft: string;
}

/** In the template nothing is configured, so any address does. */
const TEMPLATE_ADDRESS = "198.18.0.2";

const count = z.int().min(0);
const report = z.object({
  sent_bytes: count,
  received_bytes: count,
  tcp_connections: count,
  udp_flows: count,
  refused: count,
  last_refused: z
    .array(
      z.object({
        protocol: z.enum(["tcp", "udp", "dns"]),
        address: z
          .string()
          .max(64)
          .regex(/^[0-9a-f.:]+$/),
        port: z.int().min(0).max(65_535),
        reason: z.enum(["closed_range", "host_address", "name", "too_many"]),
        at_s: z.int().min(0).max(1e11),
        times: count,
        name: z.string().max(255),
      }),
    )
    .max(64),
});

/** The command prefix that starts a VM with a network; the command after it gets the tap. Without a plan the network has no way out. */
export function buildGateCommand(
  { gate, nft }: GateProgram,
  dropTo: JailSpec["dropTo"],
  network: { readonly plan: NetworkPlan; readonly controlSocket: string } | null,
): [string, ...string[]] {
  return [
    gate,
    ...["--nft", nft, "--tap-fd", String(TAP_FD), "--lifeline-fd", String(LIFELINE_FD)],
    ...(dropTo ? ["--uid", String(dropTo.uid), "--gid", String(dropTo.gid)] : []),
    ...(network
      ? ["--control", network.controlSocket, ...buildGateArgs(network.plan)]
      : ["--closed", "--guest4", TEMPLATE_ADDRESS]),
  ];
}

/** A VM's network as long as its gate lives; the gate belongs to the VM's process and ends with it. */
export function buildMachineNetwork(plan: NetworkPlan, controlSocket: string): MachineNetwork {
  const { guest, allow, allowHosts, forwards, env, aptSources, hostCa } = plan;
  return { guest, allow, allowHosts, forwards, env, aptSources, hostCa, report: () => readReport(controlSocket) };
}

/** The gate's report. Null when the gate has ended, or when the answer is invalid. */
async function readReport(controlSocket: string): Promise<NetworkReport | null> {
  try {
    const socket = await connectSocketFile({ path: controlSocket, identity: null });
    return parseReport(await readAll(socket, { deadlineMs: REPORT_DEADLINE_MS, maxBytes: REPORT_MAX_BYTES }));
  } catch {
    return null;
  }
}

/** A report as the gate writes it; null when it is invalid. */
export function parseReport(text: string): NetworkReport | null {
  try {
    const told = report.parse(JSON.parse(text));
    return {
      sentBytes: told.sent_bytes,
      receivedBytes: told.received_bytes,
      tcpConnections: told.tcp_connections,
      udpFlows: told.udp_flows,
      refused: told.refused,
      lastRefused: told.last_refused.map(({ at_s, name, ...refused }) => ({
        ...refused,
        name: name === "" ? null : name,
        at: new Date(at_s * 1000),
      })),
    };
  } catch {
    return null;
  }
}
