import { randomBytes } from "node:crypto";

import { z } from "zod";

import { PyroError } from "../../../contract/errors.js";
import type { OperationEvent } from "../../../contract/operation.js";
import { Refusal } from "../answer.js";
import { refuseUnsupported } from "../control/unsupported.js";
import type { Sandboxes } from "../sandboxes.js";
import { createSandboxTask } from "../sandbox-task.js";
import { deleteTask } from "../saved-files.js";
import type { Template } from "../template.js";
import { findTemplate, USER_SETUP } from "../templates.js";
import { DEFAULT_USER } from "../version.js";
import { filesOf, startedOf, type Build, type LogEntry } from "./requested.js";
import { startInTask, type StartCommands } from "./start-command.js";
import { COPIES, planSteps, type Line, type Place, type Plan } from "./steps.js";

const startForm = z.looseObject({
  fromImage: z.string().nullish(),
  fromTemplate: z.string().nullish(),
  fromImageRegistry: z.unknown().optional(),
  force: z.boolean().nullish(),
  steps: z
    .array(
      z.looseObject({
        type: z.string(),
        args: z.array(z.string()).default([]),
        filesHash: z.string().nullish(),
        force: z.boolean().nullish(),
      }),
    )
    .max(98)
    .nullish(),
  startCmd: z.string().nullish(),
  readyCmd: z.string().nullish(),
});

/** E2B's own base image: pyro has the template in its place. */
const BASE_IMAGE = /^(?:docker\.io\/)?e2bdev\/(?:base|code-interpreter)(?::.*)?$/;
/** What is kept of a build's log: entries, characters of each, and characters of all. */
const MAX_ENTRIES = 10_000;
const MAX_MESSAGE = 4_096;
const MAX_LOG = 2_097_152;
const TASK_SECONDS = 3_600;

/** Begins a build that was requested; it continues after this. Throws 400, 404, or 409 when it has begun already. */
export async function startBuild(sandboxes: Sandboxes, build: Build, body: unknown): Promise<void> {
  const { data, error } = startForm.safeParse(body);
  if (!data) throw new Refusal(400, z.prettifyError(error));
  refuseUnsupported({ fromImageRegistry: data.fromImageRegistry });
  const base = await findBase(sandboxes, data);
  const { user = DEFAULT_USER, workdir = `/home/${DEFAULT_USER}` } = base;
  const forcing = { setup: base.setup, isForced: data.force === true, nonce: randomBytes(8).toString("hex") };
  const plan = planSteps(data.steps ?? [], { user, workdir, envs: {} }, forcing);
  if (build.status !== "waiting") throw new Refusal(409, `Build ${build.id} has begun already.`);
  const { builds } = sandboxes;
  const copies = plan.hashes.map((hash, index) => {
    const source = builds.uploads.get(`${build.templateID}/${hash}`);
    if (source === undefined) throw new Refusal(400, `The files ${hash} were not uploaded.`);
    return { source, to: `${COPIES}/${index}` };
  });
  // The daemon keeps them for one build.
  for (const hash of plan.hashes) builds.uploads.delete(`${build.templateID}/${hash}`);
  builds.requested.change(build, { status: "building" });
  const commands = { start: data.startCmd ?? "", ready: data.readyCmd ?? "" };
  const work = new Work(sandboxes, build, plan);
  work
    .do(base.files ?? base.environment, copies, commands)
    .then(() => builds.requested.change(build, { status: "ready" }))
    .catch((failure: unknown) => work.fail(failure))
    .catch((failure: unknown) =>
      sandboxes.log(`The end of build ${build.id} could not be written: ${String(failure)}`),
    );
}

async function findBase(
  { builds, templates, pyro }: Sandboxes,
  { fromImage, fromTemplate }: z.infer<typeof startForm>,
): Promise<Template> {
  if (fromTemplate) return findTemplate(fromTemplate, { templates, builds, pyro });
  if (!fromImage) throw new Refusal(400, "fromImage or fromTemplate is missing.");
  if (BASE_IMAGE.test(fromImage)) return findTemplate("base", { templates, builds, pyro });
  return findTemplate(fromImage, { templates, builds, pyro }).catch((error: unknown) => {
    if (!(error instanceof Refusal) || error.status !== 404) throw error;
    return { environment: fromImage, setup: USER_SETUP };
  });
}

/** The work of one build, and what its log says of it. */
class Work {
  readonly #sandboxes: Sandboxes;
  readonly #build: Build;
  readonly #plan: Plan;
  #line: Pick<Line, "step" | "text"> = { step: 0, text: "base" };
  #rest: Record<string, string> = {};
  #left = MAX_LOG;

  constructor(sandboxes: Sandboxes, build: Build, plan: Plan) {
    this.#sandboxes = sandboxes;
    this.#build = build;
    this.#plan = plan;
  }

  async do(
    from: string,
    copies: readonly { readonly source: string; readonly to: string }[],
    commands: StartCommands,
  ): Promise<void> {
    const { pyro, builds } = this.#sandboxes;
    const { id, size } = this.#build;
    const { place, lines } = this.#plan;
    const { capabilities } = await pyro.perform("doctor", {});
    const files = filesOf(id);
    const shape = {
      ...(size.vcpuCount !== undefined && { vcpu_count: size.vcpuCount }),
      ...(size.memMib !== undefined && { mem_mib: size.memMib }),
    };
    const named = { name: files, from, user: "root", copies: [...copies], run: lines.map(({ command }) => command) };
    const options = { onEvent: (event: OperationEvent) => this.#observe(event, copies.length) };
    await pyro.perform("env.build", { ...named, ...shape, network: capabilities.guest_network }, options);
    const isStarted = commands.start !== "" || commands.ready !== "";
    const environment = isStarted ? await this.#save(files, shape, place, commands) : files;
    const { user, workdir } = place;
    // A VM with memory has the size that it was saved with.
    await builds.finish(this.#build, { environment, files, user, workdir, ...(!isStarted && size) });
    this.#add("info", "Build finished");
  }

  fail(error: unknown): void {
    const { message, details } = PyroError.from(error);
    const { step, text } = this.#line;
    const stderr = String((details as Record<string, unknown>)["stderr"] ?? "").trim();
    const why = `failed to run command '${text.replace(/^RUN /, "")}': ${stderr.split("\n").at(-1) || message}`;
    const reason = step > 0 && details["reason"] === "step" ? why : message;
    this.#add("error", reason);
    this.#sandboxes.builds.requested.change(this.#build, {
      status: "error",
      reason: { message: reason, step: this.#stepName() },
    });
  }

  /** Saves a VM with memory, in which the start command runs and the ready command has succeeded. */
  async #save(files: string, shape: object, place: Place, commands: StartCommands): Promise<string> {
    const { pyro } = this.#sandboxes;
    this.#line = { step: -1, text: commands.start };
    this.#add("info", `Starting: ${commands.start}`);
    const fields = { environment: files, ...shape, ttl_seconds: TASK_SECONDS };
    const { task_id } = await createSandboxTask(this.#sandboxes, `build-${this.#build.id}`, fields);
    try {
      await startInTask(pyro, task_id, place, commands);
      const name = startedOf(this.#build.id);
      await pyro.perform("env.save", { source: task_id, name });
      return name;
    } finally {
      await deleteTask(pyro, task_id);
    }
  }

  #observe(event: OperationEvent, copyCount: number): void {
    if (event.event === "progress" && event.phase === "build") {
      const line = this.#plan.lines[Math.round((event.fraction ?? 0) * this.#stepCount(copyCount)) - copyCount];
      if (!line) return;
      this.#line = line;
      this.#add("info", line.text);
    } else if (event.event === "stdout" || event.event === "stderr") {
      const lines = ((this.#rest[event.event] ?? "") + Buffer.from(event.data).toString("utf8")).split("\n");
      this.#rest[event.event] = lines.pop()!.slice(-MAX_MESSAGE);
      for (const line of lines) this.#add(event.event === "stdout" ? "info" : "warn", line);
    } else if (event.event === "progress") this.#add("info", event.message);
  }

  /** The steps of pyro's build: copies, lines, and one that finishes it. */
  #stepCount(copyCount: number): number {
    return copyCount + this.#plan.lines.length + 1;
  }

  #stepName(): string {
    const { step } = this.#line;
    return step === 0 ? "base" : step < 0 ? "finalize" : String(step);
  }

  #add(level: LogEntry["level"], message: string): void {
    if (this.#build.log.length >= MAX_ENTRIES || this.#left <= 0) return;
    const entry = { timestamp: new Date().toISOString(), level, message: message.slice(0, MAX_MESSAGE) };
    this.#left -= entry.message.length;
    this.#build.log.push({ ...entry, step: this.#stepName() });
  }
}
