import { PyroError } from "../../../contract/errors.js";

/** A message of the conversation, as Ollama takes and gives it. */
export interface Message {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
  readonly thinking?: string;
  readonly tool_calls?: readonly ToolCall[];
  /** Of a `tool` message: whose result it is. */
  readonly tool_name?: string;
}

/** What a model asks for. Nothing about it is certain: the model wrote it. */
export interface ToolCall {
  readonly function?: { readonly name?: unknown; readonly arguments?: unknown };
}

export interface Tool {
  readonly type: "function";
  readonly function: { readonly name: string; readonly description: string; readonly parameters: object };
}

/** The longest line of an answer that is read. */
const MAX_LINE_CHARACTERS = 8_388_608;

/** An Ollama server, spoken to by its documented HTTP interface. */
export class Ollama {
  readonly #url: URL;
  readonly #signal: AbortSignal;

  constructor(url: URL, signal: AbortSignal) {
    this.#url = url;
    this.#signal = signal;
  }

  /** Names of the models that are there. Throws HOST_NOT_ABLE when no server answers. */
  async listModels(): Promise<string[]> {
    const response = await this.#fetch("api/tags", {});
    const body = (await response.json().catch(() => null)) as { models?: unknown } | null;
    if (!response.ok || !Array.isArray(body?.models)) throw this.#notOllama(`it answers ${response.status}`);
    return body.models.flatMap((model: { name?: unknown } | null) =>
      typeof model?.name === "string" ? [model.name] : [],
    );
  }

  /** The model's next message. Null when the model cannot call tools. */
  async chat(model: string, messages: readonly Message[], tools: readonly Tool[]): Promise<Message | null> {
    const body = JSON.stringify({ model, messages, tools, stream: true });
    const headers = { "content-type": "application/json" };
    const response = await this.#fetch("api/chat", { method: "POST", headers, body });
    if (!response.ok) {
      const { error } = (await response.json().catch(() => ({}))) as { error?: unknown };
      if (response.status === 400 && /does not support tools/.test(String(error))) return null;
      throw this.#failed(String(error ?? `status ${response.status}`));
    }
    return this.#readMessage(response);
  }

  /** Puts the pieces of a streamed message together; tool calls may come in any of them. */
  async #readMessage(response: Response): Promise<Message> {
    let content = "";
    let thinking = "";
    const toolCalls: ToolCall[] = [];
    let isDone = false;
    for await (const piece of this.#readLines(response)) {
      if (typeof piece["error"] === "string") throw this.#failed(piece["error"]);
      const message = (piece["message"] ?? {}) as Record<string, unknown>;
      if (typeof message["content"] === "string") content += message["content"];
      if (typeof message["thinking"] === "string") thinking += message["thinking"];
      if (Array.isArray(message["tool_calls"])) toolCalls.push(...(message["tool_calls"] as ToolCall[]));
      isDone ||= piece["done"] === true;
    }
    if (!isDone) throw this.#failed("the answer ended in the middle");
    return {
      role: "assistant",
      content,
      ...(thinking === "" ? {} : { thinking }),
      ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
    };
  }

  async *#readLines(response: Response): AsyncGenerator<Record<string, unknown>> {
    const decoder = new TextDecoder();
    let rest = "";
    try {
      for await (const bytes of (response.body ?? []) as AsyncIterable<Uint8Array>) {
        const lines = `${rest}${decoder.decode(bytes, { stream: true })}`.split("\n");
        rest = lines.pop() ?? "";
        if (rest.length > MAX_LINE_CHARACTERS) throw this.#failed("a line of its answer is too long");
        for (const line of lines) if (line.trim() !== "") yield this.#parse(line);
      }
    } catch (error) {
      if (error instanceof PyroError || this.#signal.aborted) throw error;
      throw this.#failed("the connection broke");
    }
    if (rest.trim() !== "") yield this.#parse(rest);
  }

  #parse(line: string): Record<string, unknown> {
    try {
      return JSON.parse(line) as Record<string, unknown>;
    } catch {
      throw this.#failed("a line of its answer is not JSON");
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(new URL(path, this.#url), { ...init, signal: this.#signal });
    } catch (error) {
      if (this.#signal.aborted) throw new PyroError("ABORTED", "The call was cancelled.", { cause: error });
      throw new PyroError("HOST_NOT_ABLE", `No Ollama server answers at ${this.#url.origin}.`, {
        hint: "Start it with `ollama serve` (see ollama.com), or set OLLAMA_HOST to where one runs.",
        cause: error,
      });
    }
  }

  #notOllama(reason: string): PyroError {
    return new PyroError("HOST_NOT_ABLE", `What listens at ${this.#url.origin} is no Ollama server: ${reason}.`, {
      hint: "Set OLLAMA_HOST to where one runs.",
    });
  }

  #failed(reason: string): PyroError {
    return new PyroError("HOST_NOT_ABLE", `Ollama failed: ${reason}.`, {
      hint: "Look at the log of the Ollama server, and try again or with another --model.",
    });
  }
}
