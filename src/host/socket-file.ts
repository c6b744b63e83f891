import { constants } from "node:fs";
import { lstat, open, rename, type FileHandle } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { dirname, join } from "node:path";

import { PyroError } from "../contract/errors.js";
import { connectUnix, connectWhenReady, type Socket } from "./socket.js";

/** The name of a unix socket, and the identity of its file. */
export interface SocketFile {
  readonly path: string;
  /** Null when it is not known, as for a socket that QEMU made for an earlier version: then any socket is accepted, but no link. */
  readonly identity: string | null;
}

/** Linux's O_PATH, which Node.js has no name for: it finds a file without opening it. */
const O_PATH = 0x20_0000;

/**
 * A unix socket that listens before the program that serves it is started. The program gets it as a descriptor, so it needs no right to
 * create names.
 */
export class ListeningSocket implements Disposable {
  readonly file: SocketFile;
  readonly fd: number;
  readonly #server: Server;

  private constructor(server: Server, file: SocketFile) {
    this.#server = server;
    this.file = file;
    // Node.js hands a server over only to its own children; other programs get the descriptor.
    this.fd = (server as unknown as { _handle: { fd: number } })._handle.fd;
  }

  static async open(path: string): Promise<ListeningSocket> {
    const server = createServer();
    // A server that is closed here removes the name that it was bound to. That must not be the name that stays.
    const bound = join(dirname(path), "new");
    await new Promise<void>((resolve, reject) => server.once("error", reject).listen(bound, resolve));
    await rename(bound, path);
    return new ListeningSocket(server, { path, identity: await identify(path) });
  }

  /** Stops listening in this process. A program that has the descriptor still listens. */
  [Symbol.dispose](): void {
    this.#server.close();
  }
}

/** Throws VM_START_FAILED when the socket was removed or replaced. */
export async function assertSocketFile(file: SocketFile): Promise<void> {
  await (await hold(file)).close();
}

/**
 * Connects to exactly this socket: never through a link, nor to another one of the same name. Throws as `assertSocketFile`, and VM_DIED
 * when the connection breaks at once: a program that ends closes connections that it has not accepted.
 */
export async function connectSocketFile(file: SocketFile): Promise<Socket> {
  const held = await hold(file);
  let socket;
  try {
    socket = await connectUnix(`/proc/self/fd/${held.fd}`);
  } finally {
    await held.close();
  }
  if (!socket.destroyed) return socket;
  throw new PyroError("VM_DIED", "The VM ended: it closed its socket.", { cause: socket.errored });
}

/** The same, but retries while the process starts or is paused, until the deadline or the abort. */
export function connectSocketFileWhenReady(file: SocketFile, deadlineMs: number, signal: AbortSignal): Promise<Socket> {
  return connectWhenReady(() => connectSocketFile(file), deadlineMs, signal);
}

/** A file's number may be given to a later file, but not together with its creation time. */
function describe({ dev, ino, mtimeNs }: { dev: bigint; ino: bigint; mtimeNs: bigint }): string {
  return `${dev}:${ino}:${mtimeNs}`;
}

async function identify(path: string): Promise<string> {
  return describe(await lstat(path, { bigint: true }));
}

async function hold({ path, identity }: SocketFile): Promise<FileHandle> {
  let held: FileHandle | undefined;
  try {
    held = await open(path, O_PATH | constants.O_NOFOLLOW);
    const found = await held.stat({ bigint: true });
    if (found.isSocket() && (identity === null || describe(found) === identity)) return held;
  } catch (error) {
    throw notTheSocket(`${path} cannot be looked at`, error);
  }
  await held.close();
  throw notTheSocket(`${path} is not the socket that was made for this VM`);
}

function notTheSocket(what: string, cause?: unknown): PyroError {
  return new PyroError("VM_START_FAILED", `${what}, so pyro does not connect to it.`, {
    hint: "Another program changed the VM's runtime directory. Delete the task or VM, and create another.",
    cause,
  });
}
