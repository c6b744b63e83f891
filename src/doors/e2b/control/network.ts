import { z } from "zod";

import { parseNetworkRange } from "../../../contract/network.js";
import { Refusal } from "../answer.js";
import { refuseUnsupported } from "./unsupported.js";

/** The part of a sandbox's network that can be changed while it runs. */
export const rulesForm = z.object({
  allowOut: z.array(z.string()).nullish(),
  denyOut: z.array(z.string()).nullish(),
  rules: z.unknown().optional(),
  egressProxy: z.unknown().optional(),
});

export const networkForm = rulesForm.extend({
  allowPublicTraffic: z.boolean().nullish(),
  maskRequestHost: z
    .string()
    .max(255)
    .regex(/^[A-Za-z0-9.:_${}[\]-]*$/, "expected a host, with a port or ${PORT}")
    .nullish(),
  httpsPorts: z.unknown().optional(),
});

/** Options of a task. */
export interface TaskRules {
  readonly network_allow: string[];
  readonly network_deny: string[];
  readonly network_allow_host: string[];
}

export interface TaskNetwork {
  readonly rules: TaskRules;
  /** True when nothing is open: then a task without a network obeys them too. */
  readonly isClosed: boolean;
}

const everything = new Set(["0.0.0.0/0", "::/0"]);
/** A name that no resolver knows: with it alone in the list of allowed names, every name and address is closed. */
const NO_NAME = "none.invalid";
const MAX_RANGES = 32;
const MAX_NAMES = 64;

/**
 * The rules of pyro's gate for those of E2B, which begin with everything open: an entry of `allowOut` comes before one of `denyOut`, and a name
 * only counts when everything else is closed. Throws 400.
 */
export function parseNetwork(given: unknown, allowInternet: boolean): TaskNetwork {
  const { data: network, error } = networkForm.safeParse(given ?? {});
  if (!network) throw new Refusal(400, z.prettifyError(error));
  const { rules, egressProxy, httpsPorts } = network;
  const names = { rules, egressProxy, httpsPorts };
  refuseUnsupported(Object.fromEntries(Object.entries(names).map(([name, value]) => [`network.${name}`, value])));
  const denied = readRanges(network.denyOut ?? [], "denyOut");
  const { ranges, hosts } = readAllowed(network.allowOut ?? []);
  const isAllOpen = ranges.some((range) => everything.has(range));
  const isLimited = !isAllOpen && (!allowInternet || denied.some((range) => everything.has(range)));
  if (hosts.length > 0 && !isLimited) {
    throw new Refusal(400, "network.allowOut with names needs 0.0.0.0/0 in network.denyOut.");
  }
  if (isLimited) {
    const network_allow_host = hosts.length > 0 ? hosts : [NO_NAME];
    const isClosed = ranges.length + hosts.length === 0;
    return { rules: { network_allow: ranges, network_deny: [], network_allow_host }, isClosed };
  }
  const network_deny = isAllOpen ? [] : denied;
  // Where nothing is closed, there is nothing to open: private addresses stay closed.
  const network_allow = network_deny.length > 0 ? ranges : [];
  return { rules: { network_allow, network_deny, network_allow_host: [] }, isClosed: false };
}

function readRanges(given: readonly string[], field: string): string[] {
  for (const range of given) {
    if (parseNetworkRange(range) === null) {
      throw new Refusal(400, `network.${field} has an entry that is not a range of addresses: ${range}`);
    }
  }
  if (given.length > MAX_RANGES) throw new Refusal(400, `network.${field} has more than ${MAX_RANGES} ranges.`);
  return [...given];
}

function readAllowed(given: readonly string[]) {
  const isRange = (item: string) => parseNetworkRange(item) !== null;
  const hosts = given.filter((item) => !isRange(item));
  if (hosts.some((host) => !/^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(host))) {
    throw new Refusal(400, "network.allowOut has an entry that is neither a host name nor a range of addresses.");
  }
  if (hosts.length > MAX_NAMES) throw new Refusal(400, `network.allowOut has more than ${MAX_NAMES} names.`);
  return { ranges: readRanges(given.filter(isRange), "allowOut"), hosts };
}
