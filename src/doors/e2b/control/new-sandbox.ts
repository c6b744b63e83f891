import { z } from "zod";

import { Refusal } from "../answer.js";
import { networkForm, parseNetwork, type TaskNetwork } from "./network.js";
import { refuseUnsupported } from "./unsupported.js";

const texts = z.record(z.string(), z.string());
const variables = z.record(
  z.string().regex(/^[^=\0]+$/, "expected a name without ="),
  z.string().regex(/^[^\0]*$/, "expected a text without NUL"),
);

const newSandboxForm = z.looseObject({
  templateID: z.string().min(1).max(256),
  metadata: texts.nullish(),
  envVars: variables.nullish(),
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
  readonly taskNetwork: TaskNetwork;
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
    taskNetwork: parseNetwork(network, allowInternet),
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
