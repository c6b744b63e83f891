import { createServer, type IncomingMessage, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

/** The model's reply to one message: pieces of a stream, or an HTTP status with an error. */
export type Reply = readonly object[] | { readonly status: number; readonly error: string };

export interface Chat {
  readonly model: string;
  readonly stream: boolean;
  readonly messages: readonly {
    role: string;
    content: string;
    thinking?: string;
    tool_name?: string;
    tool_calls?: object[];
  }[];
  readonly tools: readonly {
    type: string;
    function: { name: string; parameters: { properties: object; required: string[] } };
  }[];
}

/** A server for Ollama's /api/tags and /api/chat, with replies that a test gives. */
export class OllamaServer implements AsyncDisposable {
  readonly chats: Chat[] = [];
  readonly #server: Server;

  private constructor(models: readonly string[], reply: (chat: Chat, number: number) => Reply | null) {
    this.#server = createServer((request, response) => {
      void (async () => {
        if (request.method === "GET" && request.url === "/api/tags") {
          response.setHeader("content-type", "application/json; charset=utf-8");
          return response.end(JSON.stringify({ models: models.map(modelEntry) }));
        }
        if (request.method !== "POST" || request.url !== "/api/chat")
          return response.writeHead(404).end("404 page not found");
        const chat = await readChat(request);
        this.chats.push(chat);
        const said = reply(chat, this.chats.length);
        // A slow model.
        if (said === null) return response.writeHead(200).flushHeaders();
        if ("status" in said) {
          response.writeHead(said.status, { "content-type": "application/json; charset=utf-8" });
          return response.end(JSON.stringify({ error: said.error }));
        }
        response.writeHead(200, { "content-type": "application/x-ndjson" });
        for (const piece of said) {
          const line = `${JSON.stringify({ model: chat.model, created_at: new Date().toISOString(), ...piece })}\n`;
          // A line may arrive in several pieces.
          response.write(line.slice(0, 20));
          await new Promise((resolve) => setImmediate(resolve));
          response.write(line.slice(20));
        }
        return response.end();
      })();
    });
  }

  static async open(
    models: readonly string[],
    reply: (chat: Chat, number: number) => Reply | null,
  ): Promise<OllamaServer> {
    const server = new OllamaServer(models, reply);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

async function readChat(request: IncomingMessage): Promise<Chat> {
  return (await json(request)) as Chat;
}

function modelEntry(name: string): object {
  const details = {
    format: "gguf",
    family: "test",
    families: ["test"],
    parameter_size: "1B",
    quantization_level: "Q4_0",
  };
  return { name, model: name, modified_at: "2026-01-01T00:00:00Z", size: 1, digest: "0".repeat(64), details };
}

/** A whole answer in pieces, as Ollama streams it: words, thoughts and calls first, the figures last. */
export function saying(message: {
  content?: string;
  thinking?: string;
  calls?: readonly (readonly [string, unknown])[];
}): object[] {
  const piece = (fields: object) => ({ message: { role: "assistant", content: "", ...fields }, done: false });
  const halves = (text: string) => [text.slice(0, text.length / 2), text.slice(text.length / 2)];
  return [
    ...(message.thinking ? halves(message.thinking).map((thinking) => piece({ thinking })) : []),
    ...(message.content ? halves(message.content).map((content) => piece({ content })) : []),
    ...(message.calls ?? []).map(([name, args]) => piece({ tool_calls: [{ function: { name, arguments: args } }] })),
    { message: { role: "assistant", content: "" }, done: true, done_reason: "stop", total_duration: 1, eval_count: 1 },
  ];
}
