import { isSameFile, readFileIdentity, removeFileSync, type FileIdentity } from "../host/files.js";
import { openHome, type Home } from "../host/home.js";
import { serveUnix } from "../host/http-server.js";
import type { IncomingMessage, ServerResponse } from "../host/http.js";
import type { Log } from "../host/log.js";
import type { Socket } from "../host/socket.js";

/** Interval at which the daemon checks its socket and its lock. */
const WATCH_MS = 1_000;

interface ListenerOptions {
  readonly home: Home;
  readonly log: Log;
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onUpgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
  /** False for a connection that must be closed. */
  readonly isWelcome: (socket: Socket) => boolean;
  /** Called once when the home's lock file was removed: another daemon may start, so this one must end. */
  readonly onLockLost: () => void;
}

/**
 * The daemon's place on the home's socket. A socket that was removed is made again, with its directory; a cleaner of temporary files or
 * a logout may have removed it. Without it no client would reach the daemon, and no other daemon could start, since this one holds the
 * lock.
 */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #lock: FileIdentity | null;
  #socketPath: string;
  #socket: FileIdentity | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isHidden = false;

  private constructor(options: ListenerOptions) {
    this.#options = options;
    this.#socketPath = options.home.daemonSocket;
    this.#lock = readFileIdentity(options.home.daemonLock);
  }

  static async open(options: ListenerOptions): Promise<Listener> {
    const listener = new Listener(options);
    await listener.#listen(options.home.daemonSocket);
    listener.#watch();
    return listener;
  }

  /** Hides the daemon from new clients. Existing connections are still served. */
  hide(): void {
    this.#isHidden = true;
    clearTimeout(this.#timer);
    if (isSameFile(this.#socket, readFileIdentity(this.#socketPath))) removeFileSync(this.#socketPath);
  }

  async #listen(path: string): Promise<void> {
    removeFileSync(path);
    // The server before it, if there was one, keeps its connections: closing it would remove the new socket by its name.
    const { onRequest, onUpgrade, isWelcome } = this.#options;
    await serveUnix(path, onRequest, onUpgrade, isWelcome);
    this.#socketPath = path;
    this.#socket = readFileIdentity(path);
    if (this.#isHidden) this.hide();
  }

  #watch(): void {
    this.#timer = setTimeout(() => void this.#look(), WATCH_MS).unref();
  }

  async #look(): Promise<void> {
    const { home, log, onLockLost } = this.#options;
    if (this.#lock !== null && !isSameFile(this.#lock, readFileIdentity(home.daemonLock))) return onLockLost();
    try {
      await this.#listenAgain();
    } catch (error) {
      log.warn({ err: error }, "the socket was removed, and cannot be made again");
    }
    if (!this.#isHidden) this.#watch();
  }

  /** A client may have chosen another runtime directory meanwhile; the link in the home leads there. */
  async #listenAgain(): Promise<void> {
    if (isSameFile(this.#socket, readFileIdentity(this.#socketPath))) return;
    const { daemonSocket } = openHome();
    if (this.#isHidden) return;
    await this.#listen(daemonSocket);
    this.#options.log.warn({ socket: daemonSocket }, "the socket was removed; listening again");
  }
}
