import type { z } from "zod";

import { PyroError } from "../contract/errors.js";
import { deferred } from "./deferred.js";
import { frameType, response as responseSchema } from "./messages.js";
import { outOfOrder, parseJson } from "./payload.js";
import { AgentRefusal } from "./refusal.js";
import type { StreamListener, Streams } from "./streams.js";

export interface RequestOptions {
  readonly stream?: number;
  /** Null for none. */
  readonly timeoutMs?: number | null;
  /** Receives the frames of the stream after a good response. */
  readonly successor?: StreamListener;
  /** True for a request that blocks the agent: time-outs of other requests wait for it. */
  readonly blocks?: boolean;
}

export type Fields = Record<string, unknown>;

const REQUEST_TIMEOUT_MS = 30_000;

/** The requests of a channel, each on its own stream. */
export class Requests {
  readonly #streams: Streams;
  readonly #send: (type: number, stream: number, payload: Buffer) => unknown;
  /** Requests under way that block the agent. */
  #blocking = 0;
  /** How many of them have ended. */
  #unblocked = 0;

  constructor(streams: Streams, send: (type: number, stream: number, payload: Buffer) => unknown) {
    this.#streams = streams;
    this.#send = send;
  }

  /** Resolves with the response, parsed by the schema; null without one. Rejects with an AgentRefusal when the agent refuses. */
  async perform(
    op: string,
    fields: Fields,
    answerSchema: z.ZodType | null,
    { stream = this.#streams.take(), timeoutMs = REQUEST_TIMEOUT_MS, successor, blocks = false }: RequestOptions,
  ): Promise<unknown> {
    const { promise, resolve, reject } = deferred<unknown>();
    const giveUp = () => {
      this.#streams.unlisten(stream);
      reject(new PyroError("VM_DIED", `The guest's agent did not answer ${op} within ${timeoutMs} ms.`));
    };
    const cancelTimeout = timeoutMs === null ? () => {} : this.#whenIdleFor(timeoutMs, giveUp);
    this.#streams.listen(stream, {
      onFrame: (frame) => {
        if (frame.type !== frameType.response) throw outOfOrder(frame);
        const answer = parseJson(frame, responseSchema);
        const value = answer.ok && answerSchema ? parseJson(frame, answerSchema) : null;
        this.#streams.unlisten(stream);
        if (!answer.ok) return reject(new AgentRefusal(op, answer.error));
        if (successor) this.#streams.listen(stream, successor);
        resolve(value);
      },
      onClosed: reject,
    });
    if (blocks) this.#blocking++;
    try {
      this.#send(frameType.request, stream, Buffer.from(JSON.stringify({ op, ...fields })));
      return await promise;
    } finally {
      if (blocks) this.#blocking--;
      if (blocks) this.#unblocked++;
      cancelTimeout();
    }
  }

  /** Calls back after this much time without a blocked agent. Returns a function that stops that. */
  #whenIdleFor(timeoutMs: number, onTimeout: () => void): () => void {
    let timer: NodeJS.Timeout;
    const wait = () => {
      const before = this.#unblocked;
      const isIdle = () => this.#blocking === 0 && this.#unblocked === before;
      timer = setTimeout(() => (isIdle() ? onTimeout() : wait()), timeoutMs);
    };
    wait();
    return () => clearTimeout(timer);
  }
}
