import { randomBytes, randomUUID } from "node:crypto";

import { z } from "zod";

import { readJson } from "../../../host/files.js";
import { Refusal } from "../answer.js";
import type { Pyro } from "../pyro.js";
import { replaceFile } from "../replace-file.js";
import { removeFiles } from "../saved-files.js";
import type { Template } from "../template.js";

const buildForm = z.object({
  environment: z.string(),
  /** The environment that a further build begins with, when the other one has memory. */
  files: z.string(),
  user: z.string(),
  workdir: z.string(),
  vcpuCount: z.int().optional(),
  memMib: z.int().optional(),
});
const templateForm = z.object({
  id: z.string(),
  name: z.string(),
  tags: z.record(z.string(), z.object({ buildID: z.string(), createdAt: z.string() })),
  builds: z.record(z.string(), buildForm),
});

export type BuiltEnvironment = z.infer<typeof buildForm>;
/** A template that programs have built: its builds that a tag names. */
export type BuiltTemplate = z.infer<typeof templateForm>;

/** An entry of a build's log. `step` is its number from 1, `base` or `finalize`. */
export interface LogEntry {
  readonly timestamp: string;
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly step?: string;
}

/** A build that was requested. It lasts as long as the gateway. */
export interface Build {
  readonly id: string;
  readonly template: BuiltTemplate;
  readonly tags: readonly string[];
  readonly size: { readonly vcpuCount?: number; readonly memMib?: number };
  status: "waiting" | "building" | "ready" | "error";
  readonly log: LogEntry[];
  reason?: { readonly message: string; readonly step: string };
}

/** Builds whose log is kept. */
const MAX_BUILDS = 200;
const DEFAULT_TAG = "default";
const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const tagForm = /^[A-Za-z0-9._-]{1,128}$/;

/** The templates that programs have built, and their builds. */
export class Builds {
  readonly #path: string;
  readonly #pyro: Pyro;
  readonly #templates: BuiltTemplate[];
  readonly #builds = new Map<string, Build>();
  /** The daemon's ids of uploaded files, under the template and the hash. */
  readonly uploads = new Map<string, string>();

  private constructor(path: string, pyro: Pyro, templates: BuiltTemplate[]) {
    this.#path = path;
    this.#pyro = pyro;
    this.#templates = templates;
  }

  /** Throws when the file is damaged. */
  static async open(path: string, pyro: Pyro): Promise<Builds> {
    return new Builds(path, pyro, z.array(templateForm).parse((await readJson(path)) ?? []));
  }

  /** The template of a name or id, with or without a tag; null when no build of it has succeeded. */
  findTemplate(reference: string): BuiltTemplate | null {
    const [name] = reference.split(":");
    const found = this.#templates.find((each) => each.name === name || each.id === name);
    return found && Object.keys(found.tags).length > 0 ? found : null;
  }

  /** What a sandbox of this name and tag starts from; null when nothing was built under it. */
  find(reference: string): (Template & BuiltEnvironment & { readonly buildID: string }) | null {
    const [, tag = DEFAULT_TAG] = reference.split(":");
    const template = this.findTemplate(reference);
    const buildID = template?.tags[tag]?.buildID;
    const build = buildID === undefined ? undefined : template?.builds[buildID];
    return build ? { ...build, buildID: buildID! } : null;
  }

  /** Throws 400 for a name or tag that is not well-formed. */
  request(given: string, tags: readonly string[], size: Build["size"]): Build {
    const [name = "", ...own] = given.split(":");
    if (!nameForm.test(name) || own.length > 1)
      throw new Refusal(400, "name has at most 63 letters, digits and _ . -, and after a colon a tag.");
    const wanted = [...new Set([...own, ...tags])];
    assertTags(wanted);
    let template = this.#templates.find((each) => each.name === name);
    if (!template) {
      template = { id: randomBytes(10).toString("hex"), name, tags: {}, builds: {} };
      this.#templates.push(template);
    }
    const id = randomUUID();
    const build: Build = {
      ...{ id, template, tags: wanted.length > 0 ? wanted : [DEFAULT_TAG], size, status: "waiting", log: [] },
    };
    this.#builds.set(id, build);
    const oldest = [...this.#builds.values()].find(({ status }) => status !== "building");
    if (this.#builds.size > MAX_BUILDS && oldest) this.#builds.delete(oldest.id);
    return build;
  }

  /** Throws 404. */
  findBuild(templateID: string, buildID: string): Build {
    const build = this.#builds.get(buildID);
    if (build?.template.id === templateID) return build;
    throw new Refusal(404, `Build ${buildID} of template ${templateID} not found`);
  }

  /** Throws 404 unless this is a template, or one is being built. */
  assertKnown(templateID: string): void {
    if (this.#templates.some(({ id }) => id === templateID)) return;
    throw new Refusal(404, `template '${templateID}' not found`);
  }

  /** Names the result of a build. */
  async finish({ id, template, tags }: Build, built: BuiltEnvironment): Promise<void> {
    template.builds[id] = built;
    await this.#setTags(template, tags, id);
  }

  /** Gives more tags to a build that has one. Throws 404 or 400. */
  async assignTags(target: string, tags: readonly string[]): Promise<string> {
    assertTags(tags);
    const [template, found] = [this.findTemplate(target), this.find(target)];
    if (!template || !found) throw new Refusal(404, `template '${target}' not found`);
    await this.#setTags(template, tags, found.buildID);
    return found.buildID;
  }

  async #setTags(template: BuiltTemplate, tags: readonly string[], buildID: string): Promise<void> {
    for (const tag of tags) template.tags[tag] = { buildID, createdAt: new Date().toISOString() };
    await this.#sweep(template);
  }

  /** Removes tags, all of them unless some are given; a build without a tag is removed. False when there is no such template. */
  async removeTags(name: string, tags?: readonly string[]): Promise<boolean> {
    const template = this.findTemplate(name);
    if (!template) return false;
    for (const tag of tags ?? Object.keys(template.tags)) delete template.tags[tag];
    await this.#sweep(template);
    return true;
  }

  async #sweep(template: BuiltTemplate): Promise<void> {
    const kept = new Set(Object.values(template.tags).map(({ buildID }) => buildID));
    const save = () =>
      replaceFile(this.#path, JSON.stringify(this.#templates.filter(({ builds }) => Object.keys(builds).length > 0)));
    save();
    for (const [id, { environment, files }] of Object.entries(template.builds)) {
      if (kept.has(id)) continue;
      try {
        for (const name of new Set([environment, files])) await removeFiles(this.#pyro, name);
        delete template.builds[id];
      } catch {
        // A sandbox uses it. The next change tries again.
      }
    }
    save();
  }
}

/** Throws 400. */
function assertTags(tags: readonly string[]): void {
  for (const tag of tags)
    if (!tagForm.test(tag))
      throw new Refusal(400, `The tag ${JSON.stringify(tag)} is invalid: letters, digits and _ . -`);
}
