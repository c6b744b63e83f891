import { JoinedController } from "../../host/joined-controller.js";
import type { BuildOptions } from "../source.js";
import type { BlobCache, BlobSource } from "./blobs.js";

/** Layers that are fetched at once. */
const AT_ONCE = 4;
const MIB = 1_048_576;

/** Fetches blobs side by side, with one progress for all. The first failure ends the others. Returns the path of each. */
export async function fetchAll(
  blobs: BlobCache,
  sources: readonly BlobSource[],
  { signal, onProgress }: Pick<BuildOptions, "signal" | "onProgress">,
): Promise<ReadonlyMap<string, string>> {
  using failed = new JoinedController([signal]);
  const paths = new Map<string, string>();
  const report = countBytes(sources, onProgress);
  const left = [...sources];
  const work = async () => {
    for (let source = left.shift(); source; source = left.shift()) {
      const { digest, sizeBytes } = source;
      const follower = {
        signal: failed.signal,
        onProgress: (bytes: number) => report(digest, bytes),
      };
      paths.set(digest, await blobs.fetch(source, follower));
      report(digest, sizeBytes);
    }
  };
  let failure: { readonly error: unknown } | null = null;
  const guarded = () =>
    work().catch((error: unknown) => {
      failure ??= { error };
      failed.abort();
    });
  await Promise.all(Array.from({ length: AT_ONCE }, guarded));
  signal.throwIfAborted();
  if (failure !== null) throw (failure as { error: unknown }).error;
  return paths;
}

/** Reports the bytes of all blobs, at most once for each MiB; the fraction is that of the fetch. */
function countBytes(sources: readonly BlobSource[], onProgress: BuildOptions["onProgress"]) {
  const done = new Map<string, number>();
  const allBytes = sources.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const layers = `${sources.length} ${sources.length === 1 ? "layer" : "layers"}`;
  let reportedMib = -1;
  return (digest: string, bytes: number) => {
    done.set(digest, bytes);
    const mib = Math.floor([...done.values()].reduce((sum, one) => sum + one, 0) / MIB);
    if (mib === reportedMib) return;
    reportedMib = mib;
    const message = `Fetching ${layers}: ${mib} of ${Math.ceil(allBytes / MIB)} MiB`;
    onProgress({ phase: "download", message, fraction: (mib * MIB) / Math.max(allBytes, mib * MIB, 1) });
  };
}
