import { join } from "node:path";
import type { TestContext } from "node:test";

import { type EnvironmentCache, openEnvironmentCache } from "../../../src/environments/cache.js";
import { buildFromImage } from "../../../src/environments/image/build.js";
import { FakeSource, temporaryDirectory, unhurried } from "../fake-source.js";

/** The Debian environments are fakes; images are really built. */
export class ImageSource extends FakeSource {
  override build(...[recipe, directory, options]: Parameters<FakeSource["build"]>) {
    return recipe.kind === "debian"
      ? super.build(recipe, directory, options)
      : buildFromImage(recipe, directory, options);
  }
}

/** A cache with a kernel, so that images can be pulled. */
export async function openImageCache(context: TestContext) {
  const directory = await temporaryDirectory(context);
  const cache = await openEnvironmentCache({ directory: join(directory, "cache"), source: new ImageSource() });
  await pull(cache, "debian:12");
  return { directory, cache };
}

interface Options {
  readonly update?: boolean;
  readonly signal?: AbortSignal;
  readonly plainHttp?: boolean;
  readonly onProgress?: (progress: { readonly message: string }) => void;
}

/** Pulls from a registry, without TLS unless the test sets it. */
export function pull(cache: EnvironmentCache, name: string, { signal, onProgress, ...rest }: Options = {}) {
  return cache.pull(name, {
    ...{ rebuild: false, plainHttp: true, ...rest },
    ...{ signal: signal ?? unhurried(), onProgress: onProgress ?? (() => {}) },
  });
}

/** Sets variables of this process for one test. */
export function setVariables(context: TestContext, variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    process.env[name] = value;
    context.after(() => {
      if (before === undefined) delete process.env[name];
      else process.env[name] = before;
    });
  }
}
