import { type ChildProcess } from "node:child_process";
import { createServer, type Server, type ServerResponse } from "node:http";
import { type AddressInfo } from "node:net";
import { createInterface } from "node:readline";

import type { Scratch } from "../../client/scratch.js";

interface Message {
  readonly id?: number | string;
  readonly method?: string;
}

/**
 * Puts `pyro mcp serve` behind MCP's streamable HTTP, for a client that speaks nothing else. It passes messages on unchanged: each
 * session is a server process of its own.
 */
export class HttpBridge implements AsyncDisposable {
  readonly #scratch: Scratch;
  readonly #sessions = new Map<string, Session>();
  readonly #server: Server;

  constructor(scratch: Scratch) {
    this.#scratch = scratch;
    this.#server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text: string) => (body += text));
      request.on("end", () =>
        this.#serve(request.method ?? "", String(request.headers["mcp-session-id"] ?? ""), body, response),
      );
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`;
  }

  #serve(method: string, sessionId: string, body: string, response: ServerResponse): void {
    if (method === "DELETE") return void response.writeHead(200).end();
    if (method !== "POST") return void response.writeHead(405).end();
    const message = JSON.parse(body) as Message;
    let id = sessionId;
    if (message.method === "initialize") {
      id = `s${this.#sessions.size + 1}`;
      this.#sessions.set(id, new Session(this.#scratch.start(["mcp", "serve"])));
    }
    const session = this.#sessions.get(id);
    if (!session) return void response.writeHead(404).end();
    session.pass(body);
    if (message.id === undefined || message.method === undefined) return void response.writeHead(202).end();
    session.answerWith(message.id, id, response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#sessions.values()].map((session) => session.end()));
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

class Session {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** A response stream also gets the messages that come before the answer to its request. */
  readonly #waiting = new Map<number | string, ServerResponse>();

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once("close", resolve));
    child.stderr?.resume();
    createInterface({ input: child.stdout! }).on("line", (line) => this.#take(line));
  }

  pass(message: string): void {
    this.#child.stdin?.write(`${message.replaceAll("\n", " ")}\n`);
  }

  answerWith(id: number | string, sessionId: string, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream", "mcp-session-id": sessionId });
    this.#waiting.set(id, response);
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
  }

  #take(line: string): void {
    const { id, method } = JSON.parse(line) as Message;
    const isAnswer = method === undefined && id !== undefined;
    const response = isAnswer ? this.#waiting.get(id) : [...this.#waiting.values()][0];
    response?.write(`event: message\ndata: ${line}\n\n`);
    if (!isAnswer) return;
    response?.end();
    this.#waiting.delete(id);
  }
}
