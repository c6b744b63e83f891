import type { FoundMachine } from "../../backend/backend.js";
import { PyroError } from "../../contract/errors.js";
import { limits } from "../../contract/limits.js";
import type { ResultOf } from "../../contract/operations.js";
import { listenOnLoopback, type Listener } from "../../host/loopback.js";
import type { Log } from "../../host/log.js";
import type { Socket } from "../../host/socket.js";
import { carry } from "./carry.js";

/** A guest's port and the host's port that leads to it. */
export interface PortPair {
  readonly port: number;
  readonly host_port: number;
}

type PublishedPort = ResultOf<"task.port.list">["ports"][number];

interface Published {
  readonly pair: PortPair;
  /** Null when the host port could not be opened again. */
  readonly listener: Listener | null;
}

interface PortsHost {
  readonly taskId: string;
  readonly log: Log;
  /** Null when the VM has ended. */
  machine(): FoundMachine | null;
  /** Counts a connection as use of the task. */
  during(connection: () => Promise<void>): Promise<void>;
  /** Writes the pairs down, durably. */
  record(pairs: readonly PortPair[]): Promise<void>;
}

/** The published ports of one task, and the connections to them. */
export class PublishedPorts {
  readonly #host: PortsHost;
  readonly #published = new Map<number, Published>();
  readonly #sockets = new Set<Socket>();
  /** One change at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(host: PortsHost) {
    this.#host = host;
  }

  get list(): PublishedPort[] {
    return Array.from(this.#published.values(), (each) => this.#viewOf(each)).toSorted((a, b) => a.port - b.port);
  }

  /**
   * Publishes a port, on a free host port unless one is given; one that is published already stays as it is. Throws ALREADY_EXISTS when it is
   * published elsewhere, FAILED_PRECONDITION when the host port cannot be had, RESOURCE_EXHAUSTED when the task has too many.
   */
  publish(port: number, hostPort: number | undefined): Promise<PublishedPort> {
    return this.#inTurn(async () => {
      const present = this.#published.get(port);
      if (present?.listener) return this.#assertSame(present, hostPort);
      if (!present && this.#published.size >= limits.publishedPorts) throw this.#tooMany();
      const wanted = hostPort ?? present?.pair.host_port ?? 0;
      const published = await this.#open(port, wanted).catch((error: unknown) => {
        throw cannotListen(wanted, error);
      });
      this.#published.set(port, published);
      try {
        await this.#record();
      } catch (error) {
        published.listener?.close();
        this.#published.delete(port);
        throw error;
      }
      return this.#viewOf(published);
    });
  }

  /** Closes a port and its connections. Throws NOT_FOUND for one that is not published. */
  close(port: number): Promise<void> {
    return this.#inTurn(async () => {
      const published = this.#published.get(port);
      if (!published) throw this.#unknown(port);
      published.listener?.close();
      this.#published.delete(port);
      for (const socket of this.#sockets) if (socket.localPort === published.pair.host_port) socket.destroy();
      await this.#record();
    });
  }

  /** Listens again on the host ports that an earlier daemon had. */
  async reopen(pairs: readonly PortPair[]): Promise<void> {
    await Promise.all(
      pairs.map(async (pair) => {
        const published = await this.#open(pair.port, pair.host_port).catch((error: unknown) => {
          this.#host.log.warn({ task: this.#host.taskId, ...pair, err: error }, "a published port cannot be opened");
          return { pair, listener: null };
        });
        this.#published.set(pair.port, published);
      }),
    );
  }

  /** Called when the task is deleted, or the daemon detaches: closes everything, and keeps what is recorded. */
  closeAll(): void {
    this.#isClosed = true;
    for (const { listener } of this.#published.values()) listener?.close();
    this.#published.clear();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #open(port: number, hostPort: number): Promise<Published> {
    const listener = await listenOnLoopback(hostPort, (socket) => void this.#accept(port, socket));
    if (this.#isClosed) listener.close();
    return { pair: { port, host_port: listener.port }, listener };
  }

  async #accept(port: number, socket: Socket): Promise<void> {
    const machine = this.#host.machine();
    if (!machine || this.#isClosed || this.#sockets.size >= limits.portConnections) {
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    await this.#host.during(() => carry(machine, port, socket));
  }

  #assertSame(present: Published, hostPort: number | undefined): PublishedPort {
    const { port, host_port } = present.pair;
    if (hostPort === undefined || hostPort === host_port) return this.#viewOf(present);
    throw new PyroError("ALREADY_EXISTS", `Port ${port} of the task is published on host port ${host_port}.`, {
      hint: `Close it first: pyro task port close ${this.#host.taskId} ${port}.`,
      details: { port, host_port },
    });
  }

  /** A port whose VM does not run takes no connections. */
  #viewOf({ pair, listener }: Published): PublishedPort {
    const open = listener !== null && this.#host.machine() !== null;
    return { ...pair, url: `http://127.0.0.1:${pair.host_port}`, open };
  }

  #record(): Promise<void> {
    return this.#host.record(Array.from(this.#published.values(), ({ pair }) => pair));
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #tooMany(): PyroError {
    const count = this.#published.size;
    return new PyroError(
      "RESOURCE_EXHAUSTED",
      `Task ${this.#host.taskId} has ${count} published ports, which is the limit.`,
      {
        hint: "Close one of them.",
        details: { limit: limits.publishedPorts },
      },
    );
  }

  #unknown(port: number): PyroError {
    return new PyroError("NOT_FOUND", `Port ${port} of task ${this.#host.taskId} is not published.`, {
      hint: `See \`pyro task port list ${this.#host.taskId}\`.`,
      details: { port },
    });
  }
}

function cannotListen(hostPort: number, error: unknown): PyroError {
  const { code } = error as NodeJS.ErrnoException;
  const reason = { EADDRINUSE: "another program listens on it", EACCES: "the host reserves it" }[String(code)] ?? code;
  return new PyroError("FAILED_PRECONDITION", `Cannot listen on port ${hostPort} of the host: ${reason}.`, {
    hint: "Choose another host port, or leave it out to get a free one.",
    details: { host_port: hostPort },
    cause: error,
  });
}
