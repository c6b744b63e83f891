import { PyroError } from "../../contract/errors.js";
import { JoinedController } from "../../host/joined-controller.js";
import type { Log } from "../../host/log.js";
import type { InstalledEnvironment } from "../installed.js";
import type { Recipe } from "../source.js";
import { askDigest } from "./open.js";

/** How long a check without an update waits for a registry. */
const CHECK_MS = 10_000;

interface Request {
  readonly update?: boolean;
  readonly plainHttp?: boolean;
  readonly signal: AbortSignal;
}

/** Throws INVALID_ARGUMENT for an environment that is not a tag of a registry. */
export function assertUpdatable(recipe: Recipe): void {
  if (recipe.kind === "registry" && recipe.reference.digest === null) return;
  const why = recipe.kind === "registry" ? "is named by its digest" : "is not an image of a registry";
  throw new PyroError("INVALID_ARGUMENT", `${recipe.name} ${why}, so there is no update to look for.`, {
    hint: "Build it again with `--rebuild`.",
    details: { environment: recipe.name },
  });
}

/**
 * The digest that the tag of an installed image names in its registry now, if it is another one. Without `update`, a registry that does
 * not answer is not a failure: the result of an earlier pull stays.
 */
export async function findMove(
  { recipe, manifest, movedTo }: InstalledEnvironment,
  { update = false, plainHttp = false, signal }: Request,
  log: Log | undefined,
): Promise<{ readonly isChecked: boolean | null; readonly movedTo: string | null }> {
  if (recipe.kind !== "registry" || recipe.reference.digest !== null) return { isChecked: null, movedTo };
  try {
    using patience = new JoinedController([signal], update ? undefined : CHECK_MS);
    const digest = await askDigest(recipe.reference, plainHttp, patience.signal);
    return { isChecked: true, movedTo: digest === manifest.origin?.digest ? null : digest };
  } catch (error) {
    signal.throwIfAborted();
    if (update) throw error;
    log?.info({ environment: recipe.name, error: String(error) }, "the registry was not asked");
    return { isChecked: false, movedTo };
  }
}
