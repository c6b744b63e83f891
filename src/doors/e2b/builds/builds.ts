import { randomBytes, randomUUID } from "node:crypto";

import { z } from "zod";

import { readJson } from "../../../host/files.js";
import { Refusal } from "../answer.js";
import type { Pyro } from "../pyro.js";
import { replaceFile } from "../replace-file.js";
import { removeFiles } from "../saved-files.js";
import type { Template } from "../template.js";
import { RequestedBuilds, type Build } from "./requested.js";

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

/** The files in which templates and builds are kept. */
export interface BuildFiles {
  readonly built: string;
  readonly builds: string;
}

const DEFAULT_TAG = "default";
const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const tagForm = /^(?!__proto__$)[A-Za-z0-9._-]{1,128}$/;

/** The templates that programs have built, and their builds. */
export class Builds {
  readonly #path: string;
  readonly #pyro: Pyro;
  readonly #templates: BuiltTemplate[];
  readonly requested: RequestedBuilds;
  /** The daemon's ids of uploaded files, under the template and the hash. */
  readonly uploads = new Map<string, string>();

  private constructor(path: string, pyro: Pyro, templates: BuiltTemplate[], requested: RequestedBuilds) {
    this.#path = path;
    this.#pyro = pyro;
    this.#templates = templates;
    this.requested = requested;
    for (const { templateID: id, name } of requested.list()) {
      if (!templates.some((each) => each.id === id)) templates.push({ id, name, tags: {}, builds: {} });
    }
  }

  /** Throws when a file is damaged. */
  static async open({ built, builds }: BuildFiles, pyro: Pyro): Promise<Builds> {
    const templates = z.array(templateForm).parse((await readJson(built)) ?? []);
    return new Builds(built, pyro, templates, await RequestedBuilds.open(builds, pyro));
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
    return this.requested.add({
      ...{ id: randomUUID(), templateID: template.id, name },
      ...{ tags: wanted.length > 0 ? wanted : [DEFAULT_TAG], size },
    });
  }

  /** Throws 404 unless this is a template, or one is being built. */
  assertKnown(templateID: string): void {
    if (this.#templates.some(({ id }) => id === templateID)) return;
    throw new Refusal(404, `template '${templateID}' not found`);
  }

  /** Names the result of a build. */
  async finish({ id, templateID, tags }: Build, built: BuiltEnvironment): Promise<void> {
    const template = this.#templates.find((each) => each.id === templateID)!;
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
