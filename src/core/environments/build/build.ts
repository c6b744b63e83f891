import { taskCreate } from "../../../contract/task-create.js";
import { PyroError } from "../../../contract/errors.js";
import type { InputOf, ResultOf } from "../../../contract/operations.js";
import { stepName, type SavedDisk } from "../../../environments/saved/saved-disks.js";
import type { GuestConfig } from "../../../environments/saved/record.js";
import { rm } from "../../../host/files.js";
import type { Call } from "../../call.js";
import type { Core, Handler } from "../../core.js";
import type { Task } from "../../tasks/task.js";
import { saveDiskOfTask } from "../save.js";
import { savedDiskFacts } from "../saved-facts.js";
import { assertNameIsFree, whileNamed } from "../saved-names.js";
import { doStep } from "./guest-work.js";
import type { BuildSource } from "./sources.js";
import { assertBuild, configOf, planSteps, type Step } from "./plan.js";

type BuildInput = InputOf<"env.build">;
type Built = ResultOf<"env.build">;

/** The environment that the first step begins with. */
interface Base {
  readonly digest: string;
  readonly config: GuestConfig;
}

/** Maximum number of kept results that are not a named environment's. */
const MOST_KEPT = 16;

/** Builds an environment: from the last step whose result is known, each further step in one VM, whose disk is kept after each. */
export const envBuild: Handler<"env.build"> = async (core, input, call) => {
  assertBuild(input);
  const sources = core.buildSources.takeAll(input.copies.map(({ source }) => source));
  try {
    return await whileNamed(core, input.name, async () => {
      if (core.environments.saved.built?.find(input.name) == null) await assertNameIsFree(core, input.name);
      const built = await buildFrom(core, input, sources, call);
      await core.environments.steps.sweep(MOST_KEPT);
      return built;
    });
  } finally {
    await Promise.all(sources.map(({ path }) => rm(path, { force: true })));
  }
};

/** Plans again when the base was replaced between the plan and the start of the VM, since a key names the base. */
async function buildFrom(core: Core, input: BuildInput, sources: readonly BuildSource[], call: Call): Promise<Built> {
  for (;;) {
    const base = await readBase(core, input.from, call);
    const built = await build(core, input, base, planSteps(input, base.digest, base.config, sources), call);
    if (built !== null) return built;
  }
}

/** The environment that the first step begins with. Pulls it when it is missing. */
async function readBase(core: Core, from: string, call: Call): Promise<Base> {
  if (core.snapshots.findSaved(from) !== null) {
    throw new PyroError(
      "FAILED_PRECONDITION",
      `The environment ${from} has memory, and a build needs its files alone.`,
      {
        hint: `Save them: \`pyro env save ${from} NAME --disk-only\`, then build from NAME.`,
        details: { environment: from, reason: "has_memory" },
      },
    );
  }
  const digest = await core.machines.identify(from, call);
  const image = (await core.environments.find(from))?.manifest.image;
  return { digest, config: { user: image?.user || "root", working_dir: image?.working_dir || "/" } };
}

/** Null when the VM has another base than the plan; then nothing was done. */
async function build(
  core: Core,
  input: BuildInput,
  base: Base,
  steps: readonly Step[],
  call: Call,
): Promise<Built | null> {
  const { environments } = core;
  // A sweep must not remove a result before the environment is named.
  const releaseSteps = environments.steps.hold(steps.map(({ key }) => key));
  const known = steps.findLastIndex(({ key }) => environments.steps.find(key) !== null);
  const start = known === -1 ? null : environments.steps.find(steps[known]!.key);
  const release = start === null ? () => {} : environments.hold(start.digest);
  try {
    const progress = { steps, done: known + 1, start, base };
    if (known < steps.length - 1 && !(await doSteps(core, input, progress, call))) return null;
    await environments.saved.built?.set({
      name: input.name,
      from: input.from,
      config: configOf(input, base.config),
      steps: steps.map(({ key, text }) => ({ key, text })),
    });
    return {
      ...(await savedDiskFacts(core, environments.saved.find(input.name)!)),
      built: known < steps.length - 1,
      steps: steps.map(({ text }, index) => ({ text, cached: index <= known })),
    };
  } finally {
    release();
    releaseSteps();
  }
}

interface Progress {
  readonly steps: readonly Step[];
  /** The number of steps that have a saved result. */
  readonly done: number;
  /** The disk of the last of these steps; null when no step has a result. */
  readonly start: SavedDisk | null;
  readonly base: Base;
}

/** False when the VM has another base; then no step was done. */
async function doSteps(core: Core, input: BuildInput, progress: Progress, call: Call): Promise<boolean> {
  const { steps, done, start, base } = progress;
  const { vcpu_count, mem_mib, disk_mib, network, network_allow, network_allow_host } = input;
  const { network_host_proxy, network_host_ca, network_host_env } = input;
  const fields = taskCreate.input.parse({
    ...{ environment: start?.record.name ?? input.from, user: "root", vcpu_count, mem_mib, disk_mib, ttl_seconds: 0 },
    ...{ network, network_allow, network_allow_host, network_host_proxy, network_host_ca, network_host_env },
  });
  const show = (message: string, at: number) =>
    call.emit({ event: "progress", phase: "build", message, fraction: at / steps.length });
  return core.tasks.inPassing(fields, "build", call, async (task) => {
    if (start === null && task.record.environment_digest !== base.digest) return false;
    for (const [index, step] of [...steps.entries()].slice(done)) {
      await show(`Step ${index + 1} of ${steps.length}: ${step.text}`, index);
      await doStep(task, step, call);
      await keep(core, task, step, call);
    }
    await show("Every step is done", steps.length);
    return true;
  });
}

/** Keeps the result of a step. Another build may have made the same one meanwhile. */
async function keep(core: Core, task: Task, { key }: Step, call: Call): Promise<void> {
  const { steps } = core.environments;
  if (steps.find(key) !== null) return;
  await saveDiskOfTask(core, task, { name: stepName(key), step_key: key }, call).catch((error: unknown) => {
    if (steps.find(key) === null) throw error;
  });
}
