import type { ArgumentsOf, ResultOf } from "../contract/operations.js";
import type { CallOptions, Client } from "./client.js";

type Create = ArgumentsOf<"task.create">;
type Push = ArgumentsOf<"task.sync.push">;

/** Creates a task. When the input names a source, this client packs it and the task begins with it; if that fails there is no task. */
export async function createTask(
  client: Client,
  input: Create,
  options: CallOptions = {},
): Promise<ResultOf<"task.create">> {
  if (input.source_path === undefined) return client.call("task.create", input, options);
  const source = await openSource({ ...input, source_path: input.source_path }, options);
  return client.call("task.create", { ...input, ...source.facts }, { ...options, openUpload: source.openUpload });
}

/** Brings a directory or an archive of this machine into a task's workspace: all of it or nothing. */
export async function pushTaskSync(
  client: Client,
  input: Push,
  options: CallOptions = {},
): Promise<ResultOf<"task.sync.push">> {
  const source = await openSource(input, options);
  return client.call("task.sync.push", { ...input, ...source.facts }, { ...options, openUpload: source.openUpload });
}

async function openSource(input: Push | (Create & { source_path: string }), { signal }: CallOptions) {
  const { packSource } = await import("./pack/pack.js");
  const { source_path, exclude = [], include = [] } = input;
  const pack = () => packSource(source_path, { exclude, include, ...(signal && { signal }) });
  const first = await pack();
  let unread: AsyncIterable<Uint8Array> | null = first.stream;
  const facts = {
    source_path: first.path,
    source_kind: first.kind,
    source_excluded: first.excludedCount ?? 0,
    ...(first.contentBytes === null ? {} : { source_bytes: first.contentBytes }),
  };
  const openUpload = () => {
    const stream = unread ?? again(pack);
    unread = null;
    return stream;
  };
  return { facts, openUpload };
}

/** When the daemon makes way for another in the midst of a call, the source is read from its start once more. */
async function* again(pack: () => Promise<{ stream: AsyncIterable<Uint8Array> }>): AsyncGenerator<Uint8Array> {
  yield* (await pack()).stream;
}
