import type { Log } from "../host/log.js";
import { inspectContent, writeInstallation, type ContentFinding } from "./installed.js";
import type { Layout } from "./layout.js";
import type { Installation } from "./manifest.js";
import type { Recipe } from "./source.js";

/**
 * Looks at installed contents by their times. When nothing but a time differs, as in a home that was copied, restored or hard-linked, the
 * digests decide, and the new times are recorded.
 */
export class Recognition {
  readonly #layout: Layout;
  readonly #log: Log | undefined;
  /** Contents whose bytes are being read: simultaneous callers share the reading. */
  readonly #readings = new Map<string, Promise<ContentFinding>>();

  constructor(layout: Layout, log: Log | undefined) {
    this.#layout = layout;
    this.#log = log;
  }

  async inspect(recipe: Recipe, installation: Installation): Promise<ContentFinding> {
    const finding = await inspectContent(this.#layout, recipe, installation, "times");
    if (finding.state === "intact" || !finding.onlyTimes) return finding;
    const key = `${recipe.name} ${installation.digest}`;
    const reading =
      this.#readings.get(key) ?? this.#read(recipe, installation).finally(() => this.#readings.delete(key));
    this.#readings.set(key, reading);
    return reading;
  }

  async #read(recipe: Recipe, installation: Installation): Promise<ContentFinding> {
    const finding = await inspectContent(this.#layout, recipe, installation, "digests");
    if (finding.state === "damaged") return finding;
    const environment = recipe.name;
    this.#log?.info({ environment }, "the files have other times and the same bytes");
    // On a read-only or full disk they are read again each time.
    await writeInstallation(
      this.#layout,
      environment,
      installation.digest,
      installation.pulled_at,
      installation.moved_to,
    ).catch((error: unknown) => this.#log?.warn({ environment, error: String(error) }, "the times are not recorded"));
    return finding;
  }
}
