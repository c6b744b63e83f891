import { createHash } from "node:crypto";

import { PyroError } from "../../../contract/errors.js";
import type { InputOf } from "../../../contract/operations.js";
import type { GuestConfig } from "../../../environments/saved/record.js";
import type { BuildSource } from "./sources.js";

type BuildInput = InputOf<"env.build">;

/** The work of one step. */
export type StepWork =
  | { readonly kind: "env"; readonly variables: Readonly<Record<string, string>> }
  | { readonly kind: "copy"; readonly source: BuildSource; readonly to: string }
  | { readonly kind: "run"; readonly command: string }
  | { readonly kind: "script"; readonly content: string }
  | { readonly kind: "finish"; readonly workdir: string | null; readonly user: string | null };

export interface Step {
  readonly work: StepWork;
  /** One line for people. */
  readonly text: string;
  /** A digest of everything that its result depends on: what it begins with, all earlier steps, and itself. */
  readonly key: string;
}

/** Changes whenever the same steps would have another result. */
const VERSION = 1;
const MOST_TEXT = 200;

/** The steps of a build, in their order. At least one: a build without any work is refused. */
export function planSteps(
  input: BuildInput,
  environmentDigest: string,
  base: GuestConfig,
  sources: readonly BuildSource[],
): Step[] {
  const works: StepWork[] = [
    ...(Object.keys(input.env).length > 0 ? [{ kind: "env" as const, variables: input.env }] : []),
    ...sources.map((source, index) => ({ kind: "copy" as const, source, to: input.copies[index]!.to })),
    ...input.run.map((command) => ({ kind: "run" as const, command })),
    ...(input.script_content === undefined ? [] : [{ kind: "script" as const, content: input.script_content }]),
    { kind: "finish", workdir: input.workdir ?? null, user: input.user ?? base.user },
  ];
  const steps: Step[] = [];
  let key = digestOf([VERSION, environmentDigest, input.disk_mib]);
  for (const work of works) {
    key = digestOf([key, describeWork(work, input.network)]);
    steps.push({ work, text: textOf(work, input).slice(0, MOST_TEXT), key });
  }
  return steps;
}

/** The configuration that the result has. */
export function configOf({ user, workdir }: BuildInput, base: GuestConfig): GuestConfig {
  return { user: user ?? base.user, working_dir: workdir ?? base.working_dir };
}

/** The parts of a step that its result depends on. */
function describeWork(work: StepWork, network: boolean): unknown[] {
  switch (work.kind) {
    case "env":
      return ["env", Object.entries(work.variables)];
    case "copy":
      return ["copy", work.source.digest, work.to];
    case "run":
      return ["run", work.command, network];
    case "script":
      return ["script", work.content, network];
    case "finish":
      return ["finish", work.workdir, work.user];
  }
}

function textOf(work: StepWork, { copy, script }: BuildInput): string {
  switch (work.kind) {
    case "env":
      return `env ${Object.keys(work.variables).join(" ")}`;
    case "copy":
      return `copy ${copy.find((each) => each.endsWith(`:${work.to}`)) ?? work.to}`;
    case "run":
      return `run ${work.command}`;
    case "script":
      return `script ${script ?? ""}`.trim();
    case "finish":
      return `finish user ${work.user}${work.workdir === null ? "" : `, workdir ${work.workdir}`}`;
  }
}

/** Throws INVALID_ARGUMENT for fields that only a client can complete, and for variables that no line can hold. */
export function assertBuild({ copy, copies, script, script_content, env }: BuildInput): void {
  if (copy.length !== copies.length && copy.length > 0) {
    throw new PyroError("INVALID_ARGUMENT", "The client has not packed the sources of `copy`.", {
      hint: "Send each with env.build.source, and name their ids in `copies`.",
      details: { copy: copy.length, copies: copies.length },
    });
  }
  if (script !== undefined && script_content === undefined) {
    throw new PyroError("INVALID_ARGUMENT", "The client has not read the script.", {
      hint: "Send its content as `script_content`.",
      details: { script },
    });
  }
  for (const [name, value] of Object.entries(env)) {
    if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !value.includes("\n")) continue;
    throw new PyroError("INVALID_ARGUMENT", `The variable ${JSON.stringify(name.slice(0, 80))} cannot be kept.`, {
      hint: "Use letters, digits and _ in its name, and no line break in its value.",
      details: { variable: name },
    });
  }
}

function digestOf(parts: unknown): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
