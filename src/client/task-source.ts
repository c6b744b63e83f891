import type { ArgumentsOf, ResultOf } from "../contract/operations.js";
import type { CallOptions, Client } from "./client.js";

type Create = ArgumentsOf<"task.create">;
type Push = ArgumentsOf<"task.sync.push">;
type Run = ArgumentsOf<"vm.run">;

/** Runs one command in a fresh VM. When the input names a source, this client packs it and the workspace begins with it. */
export async function runInVm(client: Client, input: Run, options: CallOptions = {}): Promise<ResultOf<"vm.run">> {
  if (input.source_path === undefined) return client.call("vm.run", input, options);
  const source = await openSource({ ...input, source_path: input.source_path }, options);
  const sent = { ...input, ...source.facts };
  const result = await client.call("vm.run", sent, { ...options, openUpload: source.openUpload });
  return withWarnings(result, source.report().warnings);
}

const SCAN_EVENT_MS = 200;

/** Creates a task. If the input names a source, this client packs it and the task starts with it; if that fails, no task is left. */
export async function createTask(
  client: Client,
  given: Create,
  options: CallOptions = {},
): Promise<ResultOf<"task.create">> {
  const input = given.setup_key?.length ? await (await import("./setup-digest.js")).withSetupDigest(given) : given;
  if (input.source_path === undefined) return client.call("task.create", input, options);
  const source = await openSource({ ...input, source_path: input.source_path }, options);
  const sent = { ...input, ...source.facts };
  const task = await client.call("task.create", sent, { ...options, openUpload: source.openUpload });
  return withWarnings(task, source.report().warnings);
}

/** Brings a directory, a file or an archive of this machine into a task's workspace: all of it or nothing. */
export async function pushTaskSync(
  client: Client,
  input: Push,
  options: CallOptions = {},
): Promise<ResultOf<"task.sync.push">> {
  const source = await openSource(input, options);
  const sent = { ...input, ...source.facts };
  const result = await client.call("task.sync.push", sent, { ...options, openUpload: source.openUpload });
  const { warnings, ...counts } = source.report();
  return { ...result, ...counts, warnings: [...result.warnings, ...warnings] };
}

/** A result with the packer's warnings after its own; without the field when there are none. */
function withWarnings<Result extends { readonly warnings?: string[] | undefined }>(
  result: Result,
  warnings: readonly string[],
): Result {
  return warnings.length === 0 ? result : { ...result, warnings: [...(result.warnings ?? []), ...warnings] };
}

async function openSource(input: Push | ((Create | Run) & { source_path: string }), { signal, onEvent }: CallOptions) {
  const { packSource } = await import("./pack/pack.js");
  const {
    source_path,
    exclude = [],
    include = [],
    links,
    git_tracked: gitTracked = false,
    with_git: withGit = false,
  } = input;
  const onScan = showScan(onEvent);
  const pack = () =>
    packSource(source_path, { exclude, include, links, gitTracked, withGit, onScan, ...(signal && { signal }) });
  let packed = await pack();
  let isRead = false;
  const facts = {
    source_path: packed.path,
    source_kind: packed.kind,
    source_excluded: packed.excludedCount ?? 0,
    ...(packed.contentBytes === null ? {} : { source_bytes: packed.contentBytes }),
  };
  /** If the daemon is replaced during a call, the source is read from its start once more. */
  async function* again(): AsyncGenerator<Uint8Array> {
    packed = await pack();
    yield* packed.stream;
  }
  const openUpload = () => {
    const stream = isRead ? again() : packed.stream;
    isRead = true;
    return stream;
  };
  return { facts, openUpload, report: () => packed.report() };
}

/** Reports the progress of the first walk over a large source, a few times a second. */
function showScan(onEvent: CallOptions["onEvent"]): (entryCount: number) => void {
  let shownMs = performance.now();
  return (entryCount) => {
    // The clock is read only now and then.
    if (entryCount % 64 !== 0 || performance.now() - shownMs < SCAN_EVENT_MS) return;
    shownMs = performance.now();
    void onEvent?.({ event: "progress", phase: "scan", message: `${entryCount} entries found` });
  };
}
