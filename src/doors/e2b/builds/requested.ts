import { z } from "zod";

import { readJson } from "../../../host/files.js";
import { Refusal } from "../answer.js";
import type { Pyro } from "../pyro.js";
import { replaceFile } from "../replace-file.js";
import { deleteTask, removeFiles } from "../saved-files.js";

const recordForm = z.object({
  id: z.string(),
  templateID: z.string(),
  name: z.string(),
  tags: z.array(z.string()),
  size: z.object({ vcpuCount: z.int().optional(), memMib: z.int().optional() }),
  status: z.enum(["waiting", "building", "ready", "error"]),
  reason: z.object({ message: z.string(), step: z.string() }).optional(),
});

type BuildRecord = z.infer<typeof recordForm>;

/** An entry of a build's log. `step` is its number from 1, `base` or `finalize`. */
export interface LogEntry {
  readonly timestamp: string;
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly step?: string;
}

/** A build that was requested. Its log lasts as long as the gateway. */
export interface Build
  extends Readonly<Omit<BuildRecord, "status" | "reason">>, Pick<BuildRecord, "status" | "reason"> {
  readonly log: LogEntry[];
}

/** Builds that are remembered. */
const MAX_BUILDS = 200;
const INTERRUPTED = { message: "The gateway ended during this build. Build the template again.", step: "base" };

/** The environments and the task of a build. Its task is named like its files. */
export const filesOf = (id: string) => `e2b-build-${id}`;
export const startedOf = (id: string) => `e2b-started-${id}`;

/** The builds that programs have requested, and how each has ended. */
export class RequestedBuilds {
  readonly #path: string;
  readonly #builds: Map<string, Build>;

  private constructor(path: string, builds: readonly Build[]) {
    this.#path = path;
    this.#builds = new Map(builds.map((build) => [build.id, build]));
  }

  /** Those of an earlier gateway too: a build that was under way has failed, and its remains are removed. Throws when the file is damaged. */
  static async open(path: string, pyro: Pyro): Promise<RequestedBuilds> {
    const records = z.array(recordForm).parse((await readJson(path)) ?? []);
    const requested = new RequestedBuilds(
      path,
      records.map((record) => ({ ...record, log: [] })),
    );
    for (const build of requested.list().filter(({ status }) => status === "building")) {
      await removeRemains(pyro, build.id);
      requested.change(build, { status: "error", reason: INTERRUPTED });
    }
    return requested;
  }

  list(): readonly Build[] {
    return [...this.#builds.values()];
  }

  add(fields: Pick<Build, "id" | "templateID" | "name" | "tags" | "size">): Build {
    const build: Build = { ...fields, status: "waiting", log: [] };
    const oldest = this.list().find(({ status }) => status !== "building");
    if (this.#builds.size >= MAX_BUILDS && oldest) this.#builds.delete(oldest.id);
    this.#builds.set(build.id, build);
    this.change(build, {});
    return build;
  }

  /** Throws 404. */
  find(templateID: string, id: string): Build {
    const build = this.#builds.get(id);
    if (build?.templateID === templateID) return build;
    throw new Refusal(404, `Build ${id} of template ${templateID} not found`);
  }

  /** Changes a build, and writes the file. */
  change(build: Build, fields: Partial<Pick<Build, "status" | "reason">>): void {
    Object.assign(build, fields);
    replaceFile(
      this.#path,
      JSON.stringify(this.list(), (name, value: unknown) => (name === "log" ? undefined : value)),
    );
  }
}

/** What a build has left that was cut short. What cannot be removed stays. */
async function removeRemains(pyro: Pyro, id: string): Promise<void> {
  await Promise.allSettled([deleteTask(pyro, filesOf(id)), removeFiles(pyro, startedOf(id))]);
  await removeFiles(pyro, filesOf(id)).catch(() => {});
}
