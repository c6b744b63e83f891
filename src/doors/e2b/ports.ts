import { PyroError } from "../../contract/errors.js";
import { sendRequest, type IncomingMessage } from "../../host/http.js";
import { connectLoopback } from "../../host/loopback.js";
import type { Duplex, Socket } from "../../host/socket.js";
import { Refusal, type Exchange } from "./answer.js";
import { isSameSecret, trafficTokenOf } from "./guard.js";
import type { GuestProgram } from "./guest-program.js";
import type { Pyro } from "./pyro.js";
import { Relay } from "./relay.js";
import type { SandboxRecord } from "./sandbox-record.js";

/** Headers between two ends of a connection, and those of the gateway: they do not reach the guest. */
const own = new Set([
  ...["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "host"],
  ...["e2b-sandbox-id", "e2b-sandbox-port", "x-access-token", "e2b-traffic-access-token"],
]);

/** The sandbox of the ports. */
export interface PortsOwner {
  readonly record: SandboxRecord;
  readonly guest: GuestProgram;
}

/** A way to a port of the sandbox: a port of this host, or connections of the gateway's own. */
type Way = { readonly port: number } | { readonly connect: () => Duplex };

/** The ports of a sandbox: requests and WebSockets that go to servers in it. */
export class Ports {
  readonly #pyro: Pyro;
  readonly #sandbox: PortsOwner;
  readonly #published = new Map<number, Promise<number>>();
  /** Ports without a server at their last request. They are closed when the task has no room for another one. */
  readonly #silent = new Set<number>();

  constructor(pyro: Pyro, sandbox: PortsOwner) {
    this.#pyro = pyro;
    this.#sandbox = sandbox;
  }

  /** Passes a request on, and its answer back. Throws 403 without a token that the sandbox wants, 502 when no server listens. */
  async forward({ request, response }: Exchange, port: number): Promise<void> {
    const way = await this.#wayTo(request, port);
    const { method = "GET", url: path = "/" } = request;
    const sent = sendRequest(way, { method, path, headers: this.#headersOf(request, port) });
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      sent.once("response", resolve);
      sent.once("error", reject);
    });
    response.once("close", () => sent.destroy());
    request.pipe(sent);
    const received = await answer.catch(() => {
      this.#silent.add(port);
      throw this.#closed(port);
    });
    this.#silent.delete(port);
    const headers = Object.entries(received.headers).filter(([name]) => !own.has(name));
    response.writeHead(received.statusCode ?? 502, Object.fromEntries(headers) as Record<string, string | string[]>);
    received.on("error", () => response.destroy());
    received.pipe(response);
  }

  /** Joins a connection that its client upgrades, such as a WebSocket, with a server in the sandbox. */
  async join(request: IncomingMessage, socket: Socket, head: Buffer, port: number): Promise<void> {
    const way = await this.#wayTo(request, port);
    const guest = "port" in way ? connectLoopback(way.port) : way.connect();
    const { method, url, httpVersion } = request;
    const headers = {
      ...this.#headersOf(request, port),
      connection: "Upgrade",
      upgrade: request.headers.upgrade ?? "",
    };
    const lines = Object.entries(headers).flatMap(([name, value]) => [value].flat().map((text) => `${name}: ${text}`));
    guest.write(`${method} ${url} HTTP/${httpVersion}\r\n${lines.join("\r\n")}\r\n\r\n`);
    guest.write(head);
    guest.pipe(socket).pipe(guest);
    guest.once("close", () => {
      if (socket.bytesWritten === 0) this.#silent.add(port);
    });
    for (const [one, other] of [
      [guest, socket],
      [socket, guest],
    ] as const) {
      one.on("error", () => other.destroy());
      one.once("close", () => other.destroy());
    }
  }

  /** The headers of a request as its client spelled them. */
  #headersOf({ rawHeaders }: IncomingMessage, port: number): Record<string, string | string[]> {
    const kept = new Map<string, string[]>();
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      const [name, value] = [rawHeaders[at]!, rawHeaders[at + 1]!];
      if (!own.has(name.toLowerCase())) kept.set(name, [...(kept.get(name) ?? []), value]);
    }
    const mask = this.#network["maskRequestHost"];
    const host = typeof mask === "string" ? mask.replaceAll("${PORT}", String(port)) : `localhost:${port}`;
    return { Host: host, ...Object.fromEntries(kept) };
  }

  /** Called when the sandbox gets another task. */
  forget(): void {
    this.#published.clear();
    this.#silent.clear();
  }

  get #network(): Readonly<Record<string, unknown>> {
    return this.#sandbox.record.network ?? {};
  }

  /** A sandbox without public traffic is reached with its token alone, so none of its ports is published. */
  async #wayTo(request: IncomingMessage, port: number): Promise<Way> {
    const { record, guest } = this.#sandbox;
    if (this.#network["allowPublicTraffic"] !== false) return { port: await this.#publish(port) };
    if (!isSameSecret(request.headers["e2b-traffic-access-token"], trafficTokenOf(record.token))) {
      throw new Refusal(403, "The header e2b-traffic-access-token is missing or wrong", { sandboxId: record.id });
    }
    // Its file is in the guest once it has answered.
    await guest.ask("drain");
    return { connect: () => new Relay(this.#pyro, record.taskId, guest.path, port) };
  }

  #publish(port: number): Promise<number> {
    const known = this.#published.get(port);
    if (known) return known;
    const publishing = this.#perform(port)
      .catch(async (error: unknown) => {
        if (PyroError.from(error).code !== "RESOURCE_EXHAUSTED" || !(await this.#closeSilent())) throw error;
        return this.#perform(port);
      })
      .catch((error: unknown) => {
        this.#published.delete(port);
        const { code, message } = PyroError.from(error);
        if (code === "INVALID_ARGUMENT") throw new Refusal(400, message);
        if (code === "RESOURCE_EXHAUSTED") throw new Refusal(503, message);
        throw this.#closed(port);
      });
    this.#published.set(port, publishing);
    return publishing;
  }

  async #perform(port: number): Promise<number> {
    const input = { task_id: this.#sandbox.record.taskId, port };
    return (await this.#pyro.perform("task.port.publish", input)).host_port;
  }

  /** False when there was none. */
  async #closeSilent(): Promise<boolean> {
    const ports = [...this.#silent];
    this.#silent.clear();
    for (const port of ports) this.#published.delete(port);
    const { taskId: task_id } = this.#sandbox.record;
    await Promise.all(ports.map((port) => this.#pyro.perform("task.port.close", { task_id, port }).catch(() => {})));
    return ports.length > 0;
  }

  #closed(port: number): Refusal {
    return new Refusal(502, "The sandbox is running but port is not open", {
      sandboxId: this.#sandbox.record.id,
      port,
    });
  }
}
