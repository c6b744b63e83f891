import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import { connectSocketFile } from "../../host/socket-file.js";
import { readAll } from "../../host/socket.js";
import type { MachineNetwork, NetworkReport, NetworkRequest } from "../backend.js";
import { LIFELINE_FD, TAP_FD } from "./argv.js";
import { buildGateArgs, planRules, renderRules, type NetworkPlan } from "./network.js";
import type { JailSpec } from "./jail.js";

const REPORT_DEADLINE_MS = 5_000;
const REPORT_MAX_BYTES = 65_536;

/** The programs of a VM's network. */
export interface GateProgram {
  readonly gate: string;
  readonly nft: string;
}

/** The sockets of a VM's gate: for its counters, and for other rules. */
export interface GateSockets {
  readonly control: string;
  readonly rules: string;
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
  network: { readonly plan: NetworkPlan; readonly sockets: GateSockets } | null,
): [string, ...string[]] {
  return [
    gate,
    ...["--nft", nft, "--tap-fd", String(TAP_FD), "--lifeline-fd", String(LIFELINE_FD)],
    ...(dropTo ? ["--uid", String(dropTo.uid), "--gid", String(dropTo.gid)] : []),
    ...(network
      ? ["--control", network.sockets.control, "--rules", network.sockets.rules, ...buildGateArgs(network.plan)]
      : ["--closed", "--guest4", TEMPLATE_ADDRESS]),
  ];
}

/** A VM's network as long as its gate lives; the gate belongs to the VM's process and ends with it. */
export function buildMachineNetwork(
  planned: NetworkPlan,
  requested: NetworkRequest,
  { control, rules: rulesSocket }: GateSockets,
): MachineNetwork {
  const { guest, env, aptSources, hostCa } = planned;
  let [plan, request] = [planned, requested];
  return {
    ...{ guest, env, aptSources, hostCa },
    get forwards() {
      return plan.forwards;
    },
    get request() {
      return request;
    },
    report: () => readReport(control),
    setRules: async ({ allow, deny, allowHosts }) => {
      const next = planRules(plan, { allow, deny, allowHosts });
      await sendRules(rulesSocket, next);
      plan = next;
      request = { ...request, allow, deny, allowHosts };
      return { network: plan, network_request: request };
    },
  };
}

/** Throws FAILED_PRECONDITION when no gate takes rules there, and INTERNAL when the gate refuses them. */
async function sendRules(path: string, plan: NetworkPlan): Promise<void> {
  const answer = await askGate(path, renderRules(plan)).catch((error: unknown) => {
    throw new PyroError("FAILED_PRECONDITION", "The VM's gate takes no rules.", {
      hint: "It has ended, or an earlier pyro started the VM. `pyro task stop` and `pyro task start` replace the VM.",
      cause: error,
    });
  });
  if (answer !== "ok\n") throw new PyroError("INTERNAL", "The VM's gate refused the rules.");
}

async function askGate(path: string, text: string): Promise<string> {
  const socket = await connectSocketFile({ path, identity: null });
  socket.write(text);
  return readAll(socket, { deadlineMs: REPORT_DEADLINE_MS, maxBytes: REPORT_MAX_BYTES });
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
