import { PyroError } from "../../contract/errors.js";
import type { Pyro } from "./pyro.js";
import type { TaskFields } from "./sandbox-task.js";
import type { Template } from "./template.js";
import { USER_SETUP } from "./templates.js";
import { shortDigest } from "../../host/short-digest.js";

/** Prefix of the environments that have been given the user that E2B's programs expect. */
const PREFIX = "e2b-user-";

/**
 * Environments with the user that E2B's programs expect, built once for each that may lack it. A task with a setup of its own would take no
 * VM that is kept ready.
 */
export class Prepared {
  readonly #pyro: Pyro;
  readonly #built = new Map<string, Promise<string>>();

  constructor(pyro: Pyro) {
    this.#pyro = pyro;
  }

  /** Calls back with what the task of a template is created with; once more when its environment has been removed meanwhile. */
  async start<Result>(template: Template, create: (fields: TaskFields) => Promise<Result>): Promise<Result> {
    try {
      return await create(fieldsOf(await this.#prepare(template)));
    } catch (error) {
      if (PyroError.from(error).code !== "ENVIRONMENT_UNKNOWN" || !this.#built.delete(keyOf(template))) throw error;
      return create(fieldsOf(await this.#prepare(template)));
    }
  }

  /** The template, with such an environment in place of the usual setup. */
  async #prepare(template: Template): Promise<Template> {
    if (template.setup !== USER_SETUP) return template;
    const key = keyOf(template);
    const building = this.#built.get(key) ?? this.#build(template.environment);
    this.#built.set(key, building);
    try {
      return { ...template, environment: await building, setup: undefined };
    } catch (error) {
      this.#built.delete(key);
      throw error;
    }
  }

  /** The result of an earlier gateway is used again, unless the environment has changed. */
  async #build(from: string): Promise<string> {
    const name = `${PREFIX}${shortDigest(from, 12)}`;
    await this.#pyro.perform("env.build", { name, from, user: "root", run: [USER_SETUP] });
    return name;
  }
}

function keyOf({ environment, digest = "" }: Template): string {
  return `${environment} ${digest}`;
}

function fieldsOf({ environment, setup, vcpuCount, memMib }: Template): TaskFields {
  return {
    environment,
    ...(setup !== undefined && { setup }),
    ...(vcpuCount !== undefined && { vcpu_count: vcpuCount }),
    ...(memMib !== undefined && { mem_mib: memMib }),
  };
}
