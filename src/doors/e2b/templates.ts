import { z } from "zod";

import { readJson } from "../../host/files.js";
import { Refusal } from "./answer.js";
import type { Builds } from "./builds/builds.js";
import type { Pyro } from "./pyro.js";
import type { Template } from "./template.js";

/** Where templates are known. */
export interface TemplateSources {
  /** The path of the user's file. */
  readonly templates: string;
  readonly builds: Builds;
  readonly pyro: Pyro;
}

const templateForm = z.strictObject({
  environment: z.string().min(1),
  setup: z.string().min(1).optional(),
  vcpu_count: z.int().optional(),
  mem_mib: z.int().optional(),
});
const fileForm = z.record(z.string(), z.union([z.string().min(1), templateForm]));

/** Makes the user that E2B's programs expect, where the environment has none. */
export const USER_SETUP = [
  "id -u user >/dev/null 2>&1 || useradd --create-home --shell /bin/bash --uid 1000 user",
  "mkdir -p /etc/sudoers.d",
  "printf 'user ALL=(ALL) NOPASSWD:ALL\\n' >/etc/sudoers.d/pyro-e2b",
  "chmod 0440 /etc/sudoers.d/pyro-e2b",
  'command -v python >/dev/null || ! command -v python3 >/dev/null || ln -s "$(command -v python3)" /usr/local/bin/python',
].join(" && ");

/** The names that E2B's own programs use, and the environments that serve them: the first one that is known. */
const builtIn: Readonly<Record<string, readonly string[]>> = {
  base: ["base", "debian:12"],
  "code-interpreter-v1": ["base", "debian:12"],
  "code-interpreter": ["base", "debian:12"],
  "mcp-gateway": ["base", "debian:12"],
};

/** Prefix of the environments that snapshots of sandboxes are saved as. */
export const SNAPSHOT_PREFIX = "e2b-snapshot-";

/**
 * The template of a name: from the user's file, then what programs have built, then E2B's own names, then pyro's environments. A tag of a name other than an
 * environment's is ignored. Throws 404.
 */
export async function findTemplate(name: string, { templates, builds, pyro }: TemplateSources): Promise<Template> {
  const known = await readTemplates(templates);
  const bare = name.split(":")[0] ?? name;
  const given = ownOf(known, name) ?? ownOf(known, bare);
  if (typeof given === "string") return { environment: given, setup: USER_SETUP };
  if (given) {
    const { environment, setup, vcpu_count: vcpuCount, mem_mib: memMib } = given;
    return { environment, setup: setup ?? USER_SETUP, vcpuCount, memMib };
  }
  const built = builds.find(name);
  if (built) return built;
  const { environments } = await pyro.perform("env.list", {});
  const has = (wanted: string) => environments.some((environment) => environment.name === wanted);
  const snapshot = `${SNAPSHOT_PREFIX}${name}`;
  // A snapshot continues with its processes; there is nothing to prepare.
  if (has(snapshot)) return { environment: snapshot };
  const installed = new Set(environments.filter((environment) => environment.installed).map((each) => each.name));
  const offered = [...(ownOf(builtIn, bare) ?? []), name];
  // One that is not installed is built first, which takes minutes.
  const served = offered.find((each) => installed.has(each)) ?? offered.find(has);
  if (served === undefined) throw new Refusal(404, `template '${name}' not found`);
  const { saved, digest } = environments.find((environment) => environment.name === served)!;
  const isReady = saved !== undefined || served === "base";
  return { environment: served, ...(!isReady && { setup: USER_SETUP, digest }) };
}

/** An object has more names than its own, such as `constructor`. */
function ownOf<Value>(object: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

async function readTemplates(path: string): Promise<z.infer<typeof fileForm>> {
  const content = await readJson(path);
  if (content === null) return {};
  const { data, error } = fileForm.safeParse(content);
  if (data) return data;
  throw new Refusal(500, `${path} is not a list of templates: ${z.prettifyError(error)}`);
}
