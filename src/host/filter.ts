import { spawn } from "node:child_process";
import { once } from "node:events";
import { pipeline } from "node:stream/promises";

/**
 * The output of a program that reads `source` on its standard input. Returns its exit status, null when a signal has ended it. Throws the
 * error of `source`, and when the program cannot be started. A reader that stops kills the program.
 */
export async function* filter(
  program: string,
  args: readonly string[],
  source: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, number | null> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"] });
  const ended = once(child, "close") as Promise<[number | null]>;
  // Its error is thrown where it is awaited.
  ended.catch(() => {});
  let sourceError: unknown = null;
  const watched = (async function* () {
    try {
      yield* source;
    } catch (error) {
      sourceError = error;
      throw error;
    }
  })();
  // A program that ends early breaks the pipe; its exit status says so.
  const fed = pipeline(watched, child.stdin).catch(() => {});
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    const [status] = await ended;
    await fed;
    if (sourceError !== null) throw sourceError;
    return status;
  } finally {
    child.kill("SIGKILL");
  }
}
