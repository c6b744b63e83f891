import { PyroError } from "../../../contract/errors.js";

/** A message of the conversation, in Ollama's format. */
export interface Message {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
  readonly thinking?: string;
  readonly tool_calls?: readonly ToolCall[];
  /** In a `tool` message: the name of the tool. */
  readonly tool_name?: string;
}

/** A tool call that a model wrote. Its fields may have any type. */
export interface ToolCall {
  readonly function?: { readonly name?: unknown; readonly arguments?: unknown };
}

export interface Tool {
  readonly type: "function";
  readonly function: { readonly name: string; readonly description: string; readonly parameters: object };
}

/** Maximum length of a line of an answer. */
const MAX_LINE_CHARACTERS = 8_388_608;

/** A client for the HTTP interface of an Ollama server. */
export class Ollama {
  readonly #url: URL;
  readonly #signal: AbortSignal;

  constructor(url: URL, signal: AbortSignal) {
    this.#url = url;
    this.#signal = signal;
  }

  /** Names of the installed models. Throws HOST_NOT_ABLE when no server answers. */
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

  /** Joins the pieces of a streamed message; any piece may contain tool calls. */
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
        hint: "Start it with `ollama serve` (see ollama.com), or set OLLAMA_HOST to a running server.",
        cause: error,
      });
    }
  }

  #notOllama(reason: string): PyroError {
    return new PyroError("HOST_NOT_ABLE", `The server at ${this.#url.origin} is not an Ollama server: ${reason}.`, {
      hint: "Set OLLAMA_HOST to the address of an Ollama server.",
    });
  }

  #failed(reason: string): PyroError {
    return new PyroError("HOST_NOT_ABLE", `Ollama failed: ${reason}.`, {
      hint: "Check the log of the Ollama server, then try again, or with another --model.",
    });
  }
}
