import { mkdtempSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

import { openGateway } from "../../../src/doors/e2b/gateway.js";
import { openGatewayHome, readKey, type GatewayHome } from "../../../src/doors/e2b/home.js";
import { Sandboxes } from "../../../src/doors/e2b/sandboxes.js";
import { Authority } from "../../../src/doors/e2b/tls/authority.js";
import type { LoopbackServer } from "../../../src/host/http-server.js";
import { FakePyro } from "./fake-pyro.js";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  /** The body, parsed; null when it is not JSON. */
  readonly body: any;
}

interface Asked {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The user that the host's files and commands belong to. */
export const me = userInfo().username;

/** A gateway over a fake daemon. */
export class Served implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), "pyro-e2b-"));
  readonly pyro = new FakePyro();
  readonly log: string[] = [];
  home!: GatewayHome;
  key = "";
  sandboxes!: Sandboxes;
  #server!: LoopbackServer;

  static async open(): Promise<Served> {
    const served = new Served();
    await served.start();
    return served;
  }

  async start(): Promise<void> {
    this.home = await openGatewayHome({ ...process.env, PYRO_HOME: join(this.directory, "home") });
    this.key = await readKey(this.home);
    const log = (message: string) => void this.log.push(message);
    const guestFolder = join(this.directory, "guest");
    this.sandboxes = await Sandboxes.open({ home: this.home, pyro: this.pyro, log, guestFolder, user: me });
    const authority = await Authority.open(this.home.authority);
    const key = () => readKey(this.home);
    this.#server = await openGateway({ sandboxes: this.sandboxes, readKey: key, port: 0, authority, log });
  }

  get port(): number {
    return this.#server.port;
  }

  /** Ends the gateway; tasks stay. */
  async stop(): Promise<void> {
    this.#server.close();
    await this.sandboxes.close();
  }

  /** A request as it is given. */
  ask(method: string, path: string, asked: Asked = {}): Promise<Answer> {
    return askGateway(this.port, method, path, asked);
  }

  /** A control call with the key. */
  control(method: string, path: string, body?: unknown): Promise<Answer> {
    return this.ask(method, path, { ...(body !== undefined && { body }), headers: { "x-api-key": this.key } });
  }

  async create(fields: object = {}): Promise<Handle> {
    const { status, body } = await this.control("POST", "/v2/sandboxes", { templateID: "base", ...fields });
    if (status !== 201) throw new Error(`create: ${status} ${JSON.stringify(body)}`);
    return new Handle(this, body.sandboxID, body.envdAccessToken);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.pyro.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A request to a gateway, as it is given. Rejects when the connection ends before the answer does. */
export function askGateway(
  port: number,
  method: string,
  path: string,
  { body, headers = {} }: Asked = {},
): Promise<Answer> {
  const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  return new Promise((resolve, reject) => {
    const length = bytes === undefined ? {} : { "content-length": String(bytes.length) };
    const options = { host: "127.0.0.1", port, method, path, headers: { ...length, ...headers }, agent: false };
    const request = httpRequest(options, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => {
        const all = Buffer.concat(pieces);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: all, body: parse(all) });
      });
    });
    request.on("error", reject);
    request.end(bytes);
  });
}

/** The part of a gateway that a client's view uses. */
type Gateway = Pick<Served, "ask">;

/** A client's view of one sandbox. */
export class Handle {
  readonly #served: Gateway;
  readonly id: string;
  readonly token: string;

  constructor(served: Gateway, id: string, token: string) {
    this.#served = served;
    this.id = id;
    this.token = token;
  }

  get headers() {
    return {
      "e2b-sandbox-id": this.id,
      "e2b-sandbox-port": "49983",
      "x-access-token": this.token,
      authorization: `Basic ${Buffer.from(`${me}:`).toString("base64")}`,
    };
  }

  ask(method: string, path: string, { headers = {}, ...rest }: Asked = {}): Promise<Answer> {
    return this.#served.ask(method, path, { ...rest, headers: { ...this.headers, ...headers } });
  }

  /** A unary call. */
  call(method: string, message: object = {}): Promise<Answer> {
    return this.ask("POST", `/${method}`, { body: message, headers: { "content-type": "application/json" } });
  }

  /** A call whose answer is a stream: its messages, and the error that ended it, if any. */
  async stream(method: string, message: object, headers: Readonly<Record<string, string>> = {}) {
    const given = { "content-type": "application/connect+json", ...headers };
    const { status, bytes, body } = await this.ask("POST", `/${method}`, { body: envelope(message), headers: given });
    return { status, body, ...readEnvelopes(bytes) };
  }

  /** Runs a line of bash to its end. */
  async run(line: string, fields: object = {}, headers: Readonly<Record<string, string>> = {}) {
    const process = { cmd: "/bin/bash", args: ["-c", line] };
    const { messages, end, status } = await this.stream(
      "process.Process/Start",
      { process, stdin: false, ...fields },
      headers,
    );
    const events = messages.map(({ event }) => event);
    const text = (stream: string) =>
      Buffer.concat(events.map(({ data }) => Buffer.from(data?.[stream] ?? "", "base64"))).toString("utf8");
    const pid = events[0]?.start?.pid as number | undefined;
    return { status, end, pid, stdout: text("stdout"), stderr: text("stderr"), exit: events.at(-1)?.end };
  }
}

export function envelope(message: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(5);
  head.writeUInt32BE(body.length, 1);
  return Buffer.concat([head, body]);
}

export function readEnvelopes(bytes: Buffer) {
  const messages: any[] = [];
  let end: any = null;
  for (let at = 0; at + 5 <= bytes.length;) {
    const size = bytes.readUInt32BE(at + 1);
    const value = JSON.parse(bytes.subarray(at + 5, at + 5 + size).toString("utf8"));
    if (bytes[at] === 2) end = value;
    else messages.push(value);
    at += 5 + size;
  }
  return { messages, end };
}

function parse(bytes: Buffer): any {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    return null;
  }
}
