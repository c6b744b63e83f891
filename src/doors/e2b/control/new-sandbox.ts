import { z } from "zod";

import { parseNetworkRange } from "../../../contract/network.js";
import { Refusal } from "../answer.js";

const texts = z.record(z.string(), z.string());

const networkForm = z.looseObject({
  allowOut: z.array(z.string()).nullish(),
  denyOut: z.array(z.string()).nullish(),
  allowPublicTraffic: z.boolean().nullish(),
  rules: z.unknown().optional(),
  egressProxy: z.unknown().optional(),
  maskRequestHost: z
    .string()
    .max(255)
    .regex(/^[A-Za-z0-9.:_${}[\]-]*$/, "expected a host, with a port or ${PORT}")
    .nullish(),
  httpsPorts: z.unknown().optional(),
});

const newSandboxForm = z.looseObject({
  templateID: z.string().min(1).max(256),
  metadata: texts.nullish(),
  envVars: texts.nullish(),
  timeout: z.int().min(0).nullish(),
  autoPause: z.boolean().nullish(),
  autoPauseMemory: z.boolean().nullish(),
  autoResume: z.looseObject({ enabled: z.boolean().nullish() }).nullish(),
  secure: z.boolean().nullish(),
  allow_internet_access: z.boolean().nullish(),
  network: networkForm.nullish(),
  iam: z.unknown().optional(),
  volumeMounts: z.unknown().optional(),
});

/** A sandbox to create, checked. */
export interface NewSandbox {
  readonly templateId: string;
  readonly metadata: Record<string, string>;
  readonly envVars: Record<string, string>;
  readonly timeoutSeconds: number;
  readonly onTimeout: "kill" | "pause";
  /** Whether the pause at its end keeps the memory. */
  readonly pausesMemory: boolean;
  readonly autoResume: boolean;
  readonly allowInternet: boolean;
  readonly network: Record<string, unknown> | undefined;
  /** Options of the task. */
  readonly taskNetwork: TaskNetwork;
}

export interface TaskNetwork {
  readonly network: boolean;
  readonly network_allow?: string[];
  readonly network_allow_host?: string[];
}

/** The longest life of a sandbox, in seconds. */
const MAX_TIMEOUT_SECONDS = 30 * 86_400;

/** Reads the body of a creation. Throws 400 that names the field which is wrong or not supported. */
export function parseNewSandbox(body: unknown, defaultSeconds: number): NewSandbox {
  const { data, error } = newSandboxForm.safeParse(body);
  if (!data) throw new Refusal(400, z.prettifyError(error));
  refuseUnsupported({ iam: data.iam, volumeMounts: data.volumeMounts });
  const allowInternet = data.allow_internet_access ?? true;
  const { network } = data;
  return {
    templateId: data.templateID,
    metadata: data.metadata ?? {},
    envVars: data.envVars ?? {},
    timeoutSeconds: parseTimeout(data.timeout ?? defaultSeconds),
    ...parseEnding(data),
    allowInternet,
    network: network ? { ...network } : undefined,
    taskNetwork: network ? parseNetwork(network, allowInternet) : { network: allowInternet },
  };
}

/** What happens at the end of a sandbox. Throws 400. */
function parseEnding({ autoPause, autoPauseMemory, autoResume }: z.infer<typeof newSandboxForm>) {
  const pausesMemory = autoPauseMemory ?? true;
  const ending = {
    onTimeout: autoPause ? "pause" : "kill",
    pausesMemory,
    autoResume: autoResume?.enabled ?? false,
  } as const;
  if (!pausesMemory && !autoPause) throw new Refusal(400, "autoPauseMemory: false needs autoPause.");
  if (pausesMemory || !ending.autoResume) return ending;
  throw new Refusal(400, "autoPauseMemory: false excludes autoResume: without its memory a sandbox boots.");
}

/** Whole seconds; negative ones are 0. Throws 400. */
export function parseTimeout(value: unknown): number {
  const seconds = Number(value);
  if (typeof value !== "number" || !Number.isInteger(seconds))
    throw new Refusal(400, "timeout is not a whole number of seconds.");
  if (seconds > MAX_TIMEOUT_SECONDS) throw new Refusal(400, `timeout is at most ${MAX_TIMEOUT_SECONDS} seconds.`);
  return Math.max(seconds, 0);
}

/** Throws 400 for fields that are set. A value that changes nothing is not refused. */
function refuseUnsupported(fields: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(fields)) {
    const isEmpty =
      value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0);
    if (!isEmpty) throw new Refusal(400, `${name} is not supported.`);
  }
}

const everything = new Set(["0.0.0.0/0", "::/0"]);
/** A name that no resolver knows: with it alone in the list of allowed names, every name is closed. */
const NO_NAME = "none.invalid";

/**
 * Rules of pyro's gate for the network of a creation. E2B's rules begin with everything open; the gate can be open, closed, or open to
 * a list. Other lists of denied addresses are refused, since they would not be enforced.
 */
export function parseNetwork(given: unknown, allowInternet: boolean): TaskNetwork {
  const { data: network, error } = networkForm.safeParse(given);
  if (!network) throw new Refusal(400, z.prettifyError(error));
  const { rules, egressProxy, httpsPorts } = network;
  const names = { rules, egressProxy, httpsPorts };
  refuseUnsupported(Object.fromEntries(Object.entries(names).map(([name, value]) => [`network.${name}`, value])));
  const [allowOut, denyOut] = [network.allowOut ?? [], network.denyOut ?? []];
  if (denyOut.some((range) => !everything.has(range))) {
    throw new Refusal(400, "network.denyOut is supported for all traffic (0.0.0.0/0) only.");
  }
  const isClosed = !allowInternet || denyOut.length > 0;
  if (!isClosed) return { network: true };
  if (allowOut.length === 0) return { network: false };
  if (allowOut.some((item) => everything.has(item))) return { network: true };
  const ranges = allowOut.filter((item) => parseNetworkRange(item) !== null);
  const hosts = allowOut.filter((item) => !ranges.includes(item));
  if (hosts.some((host) => !/^(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(host))) {
    throw new Refusal(400, "network.allowOut has an entry that is neither a host name nor a range of addresses.");
  }
  return { network: true, network_allow: ranges, network_allow_host: hosts.length > 0 ? hosts : [NO_NAME] };
}
