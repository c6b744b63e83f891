import { Client, type CallOptions as ClientOptions } from "../../client/client.js";
import type { OperationEvent } from "../../contract/operation.js";
import { withHome } from "../../client/home-env.js";
import { streamBytes } from "../../client/stream-bytes.js";
import { followTerminal } from "../../client/task-exec.js";
import { performOperation } from "../../client/perform.js";
import { quoteCommand } from "../../contract/quote.js";
import { PyroError } from "../../contract/errors.js";
import type { OperationName } from "../../contract/operations.js";
import { readContract, schemasOf } from "../../contract/rendered.js";
import { ByteStream } from "./byte-stream.js";
import type {
  CallOptions,
  Command,
  PyroOptions,
  SessionOptions,
  StdinSource,
  StreamTaskExportOptions,
  StreamTaskFileOptions,
  WatchTaskEvent,
  WatchTaskOptions,
} from "./call-options.js";
import type { Caller } from "./caller.js";
import { toCamel, toSnake } from "./camel.js";
import { assertSucceeded } from "./command-failed.js";
import { Execution } from "./execution.js";
import { OutputQueue } from "./output-queue.js";
import { OutputText } from "./output-text.js";
import type { RunResult, TaskExecResult } from "./results.js";
import type { Operations } from "./operations.js";
import type { OpenedShell } from "./results.js";
import { Shell, type ShellEnd, type ShellTaskOptions } from "./shell.js";
import { readStdin } from "./stdin.js";

type Input = Readonly<Record<string, unknown>> & { readonly content?: StdinSource };

/** The longest text that is sent within the input; a longer one follows it. */
const MAX_INLINE_LENGTH = 131_072;

/** The SDK's calls of one home. Converts the spelling of names, and maps cancelling and callbacks to the client. */
export class Calls implements Caller {
  readonly #options: PyroOptions;
  #client: Client | undefined;

  constructor(options: PyroOptions) {
    this.#options = options;
  }

  async request<Result>(
    name: string,
    input: object,
    { signal, onProgress, ...rest }: CallOptions = {},
  ): Promise<Result> {
    const call = openCall(signal);
    const onEvent = call.guard(async (event: OperationEvent) => {
      if (event.event === "progress") await onProgress?.(progressOf(event));
    });
    const { inline, stdin } = splitContent(name, { ...rest, ...input });
    const source = stdin === undefined ? {} : { stdin: call.guardSource(readStdin(stdin)) };
    return call.run(() => this.#ask(name, inline, { signal: call.signal, onEvent, ...source }));
  }

  execute<Result>(
    name: string,
    input: object,
    options: SessionOptions & { readonly command: Command },
  ): Execution<Result> {
    const { signal, stdin, check = false, onProgress, onStdout, onStderr, command, ...rest } = options;
    const call = openCall(signal);
    const queue = new OutputQueue();
    const text = new OutputText(async (chunk) => {
      const onChunk = chunk.stream === "stdout" ? onStdout : onStderr;
      if (onChunk) queue.dropUnlessRead();
      await onChunk?.(chunk);
      await queue.push(chunk);
    });
    const onEvent = call.guard(async (event: OperationEvent) => {
      if (event.event === "progress") await onProgress?.(progressOf(event));
      else await text.add(event);
    });
    const source = stdin === undefined ? {} : { stdin: call.guardSource(readStdin(stdin)) };
    // A call that is cancelled must not wait for its reader.
    call.signal.addEventListener("abort", () => queue.dropUnlessRead());
    const result = call.run(async () => {
      try {
        const whole = { ...rest, ...input, command: lineOf(command) };
        const answer = await this.#ask<Result>(name, whole, { ...call.signals, onEvent, ...source });
        await call.guard(() => text.end())(undefined);
        if (check) assertSucceeded(answer as RunResult | TaskExecResult);
        return answer;
      } finally {
        queue.end();
      }
    });
    return new Execution(result, queue, call.cancel);
  }

  /** The bytes that an operation sends. */
  stream(
    name: "task.export" | "task.file.fetch",
    input: { readonly taskId: string; readonly path: string },
    { signal, ...rest }: StreamTaskFileOptions | StreamTaskExportOptions,
  ): ByteStream {
    const wire = toSnake({ ...rest, ...input }, schemasOf(name).input) as never;
    return new ByteStream(streamBytes(this.#open(), name, wire, signal));
  }

  /** The events of a watch, until the signal is aborted or the reader stops. */
  async *watch(
    input: { readonly taskId: string; readonly sourcePath: string },
    { signal, ...rest }: WatchTaskOptions,
  ): AsyncGenerator<WatchTaskEvent> {
    const { watchEvents } = await import("../../client/watch/watch-events.js");
    const wire = toSnake({ ...rest, ...input }, schemasOf("task.watch").input) as never;
    const results = schemasOf("task.sync.push").result;
    for await (const event of watchEvents(this.#open(), wire, signal)) {
      yield event.event === "failed" ? event : { ...event, result: toCamel(event.result, results) as never };
    }
  }

  /** A shell's terminal from an offset in its output. */
  async shell(operations: Operations, options: ShellTaskOptions & { readonly taskId: string }): Promise<Shell> {
    const { replay = true, ...wanted } = options;
    const { taskId, ...fields } = wanted;
    const info = await operations.openShell(taskId, fields);
    const offset = replay ? 0 : await this.#endOf(info);
    const place = { task_id: info.taskId, sequence: info.sequence, offset, keyboard: true };
    const follow = async ({ keys, size, onResize, onShown, detached }: ShellEnd): Promise<TaskExecResult> => {
      const onEvent = (event: OperationEvent) => (event.event === "stdout" ? onShown(event.data) : undefined);
      const options = { stdin: keys, terminal: { size, onResize }, onEvent, detachSignal: detached };
      const result = await followTerminal(this.#open(), place, options);
      return toCamel(result, schemasOf("task.exec").result) as TaskExecResult;
    };
    return new Shell(follow, operations, info);
  }

  /** How much a shell has shown so far. */
  async #endOf({ taskId, sequence }: OpenedShell): Promise<number> {
    const page = await this.#open().call("task.exec_output", { task_id: taskId, sequence, max_bytes: 1 });
    return page.stdout_bytes;
  }

  #open(): Client {
    this.#client ??= new Client(withHome(process.env, this.#options));
    return this.#client;
  }

  async #ask<Result>(name: string, input: object, options: ClientOptions): Promise<Result> {
    const client = this.#open();
    const schemas = schemasOf(name);
    const wire = toSnake(input, schemas.input) as never;
    return toCamel(await performOperation(client, name as OperationName, wire, options), schemas.result) as Result;
  }
}

/** A file's content follows the input, unless it is a short text. */
function splitContent(name: string, input: Input): { readonly inline: object; readonly stdin?: StdinSource } {
  const { content, ...inline } = input;
  const isShort = content === undefined || (typeof content === "string" && content.length <= MAX_INLINE_LENGTH);
  const isFile = readContract().operations.find((operation) => operation.name === name)?.content === true;
  return isFile && !isShort ? { inline, stdin: content } : { inline: input };
}

/** A command as the one line that the guest's shell gets. */
function lineOf(command: Command): string {
  return typeof command === "string" ? command : quoteCommand(command);
}

function progressOf({ phase, message, fraction }: Extract<OperationEvent, { event: "progress" }>) {
  return { phase, message, ...(fraction === undefined ? {} : { fraction }) };
}

/** A running call: its cancellation, and the error that a callback threw. */
function openCall(signal: AbortSignal | undefined) {
  const controller = new AbortController();
  const killing = new AbortController();
  const onAbort = () => controller.abort();
  signal?.addEventListener("abort", onAbort, { once: true });
  let thrown: { readonly error: unknown } | undefined;
  const fail = (error: unknown) => {
    thrown ??= { error };
    controller.abort();
  };
  return {
    signal: controller.signal,
    signals: { signal: controller.signal, killSignal: killing.signal },
    /** The second call kills at once. */
    cancel: () => (controller.signal.aborted ? killing : controller).abort(),
    /** An error thrown by a callback cancels the call, which then rejects with that error. */
    guard:
      <Value>(body: (value: Value) => Promise<void>) =>
      (value: Value) =>
        body(value).catch(fail),
    async *guardSource(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      try {
        yield* source;
      } catch (error) {
        fail(error);
      }
    },
    async run<Value>(body: () => Promise<Value>): Promise<Value> {
      try {
        if (signal?.aborted) throw new PyroError("ABORTED", "The call was cancelled before it began.");
        return await body();
      } finally {
        signal?.removeEventListener("abort", onAbort);
        // oxlint-disable-next-line no-unsafe-finally -- the callback's error is the cause of any other outcome.
        if (thrown) throw thrown.error;
      }
    },
  };
}
