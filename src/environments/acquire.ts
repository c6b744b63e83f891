import type { Holds } from "./holds.js";
import { corruptError, type InstalledEnvironment, readInstallation } from "./installed.js";
import type { Layout } from "./layout.js";
import type { Recognition } from "./recognition.js";
import type { Recipe } from "./source.js";

/** An environment that stays until the release is called. */
export interface HeldEnvironment {
  readonly environment: InstalledEnvironment;
  readonly release: () => void;
}

/** Holds an installed environment; null when it is not installed. Throws ENVIRONMENT_CORRUPT. */
export async function acquireEnvironment(
  place: { readonly layout: Layout; readonly holds: Holds; readonly recognition: Recognition },
  recipe: Recipe,
): Promise<HeldEnvironment | null> {
  const { layout, holds, recognition } = place;
  const { name } = recipe;
  const installation = await readInstallation(layout, name);
  if (installation === null) return null;
  if (installation === "damaged") throw corruptError(name, "its record cannot be read");
  if (holds.isLeaving(installation.digest)) return null;
  const release = holds.hold(installation.digest);
  const finding = await recognition.inspect(recipe, installation);
  if (finding.state === "intact") return { environment: finding.environment, release };
  release();
  // A prune or a rebuild may have removed it since the record was read.
  const now = await readInstallation(layout, name);
  if (now === null) return null;
  if (now !== "damaged" && now.digest !== installation.digest) return acquireEnvironment(place, recipe);
  throw corruptError(name, finding.reason);
}
