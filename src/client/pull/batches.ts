/** The most that the paths of one request may take as JSON: a request is read up to 1 MiB. */
const BATCH_BYTES = 700_000;

/** Paths in their order, as many in each batch as one request holds. */
export function* batchesOf(paths: readonly string[]): Generator<string[]> {
  let batch: string[] = [];
  let bytes = 0;
  for (const path of paths) {
    const size = Buffer.byteLength(JSON.stringify(path)) + 1;
    if (bytes + size > BATCH_BYTES && batch.length > 0) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(path);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
