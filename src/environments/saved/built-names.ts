import { join } from "node:path";

import { z } from "zod";

import { time } from "../../contract/fields.js";
import { mkdir, readdir, readJson, rm, syncDirectory, writeFileAtomic } from "../../host/files.js";
import type { Log } from "../../host/log.js";
import { directoryNameOf, guestConfig } from "./record.js";

const key = z.string().regex(/^[0-9a-f]{64}$/);

/** Later versions may add fields. */
const recordSchema = z.object({
  format: z.literal(1),
  name: z.string(),
  created_at: time,
  /** The environment that the build began with. */
  from: z.string().max(8_192),
  config: guestConfig,
  /** All steps of the build, in order. The disk of the last one is that of the environment. */
  steps: z.array(z.object({ key, text: z.string() })).min(1),
});

/** The record of an environment that a build has made: a name for the result of its last step. */
export type BuiltName = Readonly<z.infer<typeof recordSchema>>;

/** The key of the step whose disk a built environment has. */
export function lastKeyOf({ steps }: BuiltName): string {
  return steps.at(-1)!.key;
}

/** The names of built environments in one home. This daemon is their only writer. */
export class BuiltNames {
  readonly #path: string;
  readonly #records = new Map<string, BuiltName>();

  private constructor(path: string) {
    this.#path = path;
  }

  /** Reads every record. One that cannot be read is left as it is, and not listed. */
  static async open(path: string, log?: Log): Promise<BuiltNames> {
    const names = new BuiltNames(path);
    await mkdir(path, { recursive: true, mode: 0o700 });
    for (const file of await readdir(path)) {
      const { data } = recordSchema.safeParse(await readJson(join(path, file)).catch(() => null));
      if (data !== undefined && fileOf(data.name) === file) names.#records.set(data.name, data);
      else log?.warn({ file }, "the record of a built environment cannot be read");
    }
    return names;
  }

  find(name: string): BuiltName | null {
    return this.#records.get(name) ?? null;
  }

  list(): readonly BuiltName[] {
    return [...this.#records.values()];
  }

  /** Gives a result its name, durably. An earlier result loses the name. */
  async set(built: Omit<BuiltName, "format" | "created_at">): Promise<BuiltName> {
    const record = { format: 1 as const, ...built, created_at: new Date().toISOString() };
    await writeFileAtomic(join(this.#path, fileOf(record.name)), `${JSON.stringify(record, null, 2)}\n`);
    this.#records.set(record.name, record);
    return record;
  }

  async remove(name: string): Promise<void> {
    this.#records.delete(name);
    await rm(join(this.#path, fileOf(name)), { force: true });
    await syncDirectory(this.#path);
  }
}

function fileOf(name: string): string {
  return `${directoryNameOf(name)}.json`;
}
