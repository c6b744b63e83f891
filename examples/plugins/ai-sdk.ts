// Copy it into your project: see docs/plugins.md. Tested by `make test-plugins`.
import type { Experimental_SandboxProcess, Experimental_SandboxSession } from "ai";
import { Pyro, PyroError, type CreateTaskOptions, type ErrorCode, type Task, type TaskExecResult } from "pyro-mcp";

const MAX_TIMEOUT_SECONDS = 86_400;

/** The options of `createTask`, and the environment: a name of `pyro env list` or an image; by default debian:12. */
export interface PyroSandboxOptions extends Omit<CreateTaskOptions, "signal" | "onProgress"> {
  readonly environment?: string;
}

/** A session that owns a VM: `await using` or `close()` deletes it. */
export interface PyroSandbox extends Experimental_SandboxSession, AsyncDisposable {
  /** The VM, made by the first call that needs it. */
  readonly task: () => Promise<Task>;
  /** Deletes the VM and ends its commands. */
  readonly close: () => Promise<void>;
}

/**
 * A VM as the sandbox of the AI SDK: `generateText({ experimental_sandbox: sandbox, … })`. Relative paths start at /workspace.
 * A command that is out of time, by default 30 minutes (`timeoutSeconds`), has exit code 124 and says so on standard error.
 */
export function pyroSandbox({ environment = "debian:12", ...options }: PyroSandboxOptions = {}): PyroSandbox {
  let made: Promise<Task> | undefined;
  const task = (): Promise<Task> => {
    made ??= new Pyro().createTask(environment, { timeoutSeconds: 1800, labels: { framework: "ai-sdk" }, ...options });
    made.catch(() => (made = undefined));
    return made;
  };
  const close = async (): Promise<void> => {
    const closing = await made?.catch(() => {});
    made = undefined;
    await closing?.[Symbol.asyncDispose]();
  };
  const files = filesOf(task);
  return {
    description: `A virtual machine of its own (${environment}). Commands start in /workspace.`,
    task,
    close,
    [Symbol.asyncDispose]: close,
    ...files,
    spawn: ((given) => spawn(task, given)) as Experimental_SandboxSession["spawn"],
    async run({ command, workingDirectory: cwd, env, abortSignal: signal }) {
      signal?.throwIfAborted();
      const result = await (await task()).exec(command, { cwd, env, signal });
      if (result.aborted) throw signal?.reason ?? new Error("The command was cancelled.");
      return {
        exitCode: exitCodeOf(result),
        stdout: textOf(result, "stdout"),
        stderr: textOf(result, "stderr") + lateness(result),
      };
    },
  };
}

/** The sandbox of the package bash-tool: `createBashTool({ sandbox: bashToolSandbox(sandbox), destination: "/workspace" })`. */
export function bashToolSandbox(sandbox: PyroSandbox) {
  return {
    executeCommand: async (command: string) => sandbox.run({ command }),
    async readFile(path: string): Promise<string> {
      const text = await sandbox.readTextFile({ path });
      if (text === null) throw new Error(`File not found: ${path}`);
      return text;
    },
    async writeFiles(files: readonly { path: string; content: string | Uint8Array }[]): Promise<void> {
      for (const { path, content } of files) await (await sandbox.task()).writeFile(path, content);
    },
  };
}

type Files = Omit<Experimental_SandboxSession, "description" | "run" | "spawn">;

function filesOf(task: () => Promise<Task>): Files {
  const readBinaryFile: Files["readBinaryFile"] = async ({ path, abortSignal: signal }) =>
    orNull("FILE_NOT_FOUND", async () => (await task()).streamFile(path, { signal }).bytes());
  const write = async (path: string, content: Uint8Array | AsyncIterable<Uint8Array>, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    await (await task()).writeFile(path, content);
  };
  return {
    readBinaryFile,
    async readFile({ path, abortSignal: signal }) {
      const pieces = (await task()).streamFile(path, { signal })[Symbol.asyncIterator]();
      const first = await orNull("FILE_NOT_FOUND", () => pieces.next());
      if (first === null) return null;
      return new ReadableStream({
        start: (stream) => (first.done ? stream.close() : stream.enqueue(first.value)),
        async pull(stream) {
          const { done, value } = await pieces.next();
          if (done) stream.close();
          else stream.enqueue(value);
        },
        cancel: async () => void (await pieces.return?.()),
      });
    },
    async readTextFile({ encoding = "utf-8", startLine = 1, endLine = Infinity, ...place }) {
      const bytes = await readBinaryFile(place);
      if (bytes === null) return null;
      const lines = new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes).split(/(?<=\n)/);
      return lines.slice(startLine - 1, endLine).join("");
    },
    writeFile: ({ path, content, abortSignal }) =>
      write(path, content as unknown as AsyncIterable<Uint8Array>, abortSignal),
    writeBinaryFile: ({ path, content, abortSignal }) => write(path, content, abortSignal),
    writeTextFile: ({ path, content, encoding = "utf-8", abortSignal }) =>
      write(path, Buffer.from(content, encoding as BufferEncoding), abortSignal),
    async stat({ path }) {
      const { exitCode, stdout, stderr } = await (await task()).exec(["stat", "-Lc", "%f %s", "--", path]);
      if (exitCode !== 0 && /No such file/.test(stderr)) return null;
      if (exitCode !== 0) throw new Error(stderr.trim());
      const [mode = "", size] = stdout.split(" ");
      const kind = Number.parseInt(mode, 16) & 0o170_000;
      return { type: kind === 0o100_000 ? "file" : kind === 0o040_000 ? "directory" : "other", size: Number(size) };
    },
    listDirectory: ({ path }) =>
      orNull("FILE_NOT_FOUND", async () => {
        const found = [];
        for (let after: string | null | undefined; after !== null;) {
          // With the slash a file is refused.
          const { entries, nextAfter } = await (await task()).listFiles(`${path}/`, { limit: 10_000, after });
          found.push(...entries.map(({ path, type }) => ({ name: path.slice(path.lastIndexOf("/") + 1), type })));
          after = nextAfter;
        }
        return found;
      }),
    async deleteFile({ path }) {
      const entry = await orNull("FILE_NOT_FOUND", async () => (await task()).statFile(path));
      if (entry?.type === "directory") throw new Error(`${path} is a directory.`);
      return (await orNull("FILE_NOT_FOUND", async () => (await task()).removeFile(path))) !== null;
    },
  };
}

/** Starts a command. Like a pipe, each stream holds 64 KiB; then the command waits for a reader. */
async function spawn(
  task: () => Promise<Task>,
  { command, workingDirectory: cwd, env, abortSignal, stdin }: Parameters<Experimental_SandboxSession["spawn"]>[0],
): Promise<Experimental_SandboxProcess & { stdin?: WritableStream<Uint8Array> }> {
  abortSignal?.throwIfAborted();
  const [typed, stdout, stderr] = [pipe(), pipe(), pipe()];
  const [out, err] = [stdout.writable.getWriter(), stderr.writable.getWriter()];
  let isKilled = (): void => {};
  const killed = new Promise<void>((resolve) => (isKilled = resolve));
  const running = (await task()).exec(command, {
    ...{ cwd, env, timeoutSeconds: MAX_TIMEOUT_SECONDS },
    onStdout: ({ data }) => Promise.race([out.write(data), killed]),
    onStderr: ({ data }) => Promise.race([err.write(data), killed]),
    ...(stdin && { stdin: typed.readable as unknown as AsyncIterable<Uint8Array> }),
  });
  const kill = (): void => {
    isKilled();
    // The second cancel kills at once.
    for (const _ of [1, 2]) running.cancel();
  };
  const aborted = new Promise<never>((_resolve, reject) => {
    abortSignal?.addEventListener("abort", () => reject(abortSignal.reason), { once: true });
  });
  aborted.catch(kill);
  const ended = running.then(exitCodeOf).finally(() => void Promise.allSettled([out.close(), err.close()]));
  ended.catch(() => {});
  const process = {
    stdout: stdout.readable,
    stderr: stderr.readable,
    wait: async () => ({ exitCode: await Promise.race([aborted, ended]) }),
    kill: async () => kill(),
  };
  return stdin ? { ...process, stdin: typed.writable } : process;
}

function pipe(): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream<Uint8Array, Uint8Array>({}, undefined, {
    highWaterMark: 65_536,
    size: (piece) => piece.byteLength,
  });
}

/** A killed command has the exit code of a shell after KILL. Rejects if the VM ended. */
function exitCodeOf({ exitCode, error }: TaskExecResult): number {
  if (error) throw new PyroError(error.code as ErrorCode, error.message);
  return exitCode ?? 137;
}

function textOf(result: TaskExecResult, stream: "stdout" | "stderr"): string {
  return Buffer.from(result[stream], result[`${stream}Encoding`]).toString();
}

function lateness({ timedOut, durationMs }: TaskExecResult): string {
  return timedOut ? `\nThe command timed out after ${Math.round(durationMs / 1000)} seconds and was killed.` : "";
}

async function orNull<Value>(code: ErrorCode, work: () => Promise<Value>): Promise<Value | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof PyroError && error.code === code) return null;
    throw error;
  }
}
