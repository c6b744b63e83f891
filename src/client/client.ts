import { PyroError } from "../contract/errors.js";
import type { ArgumentsOf, OperationName, ResultOf } from "../contract/operations.js";
import { readContract } from "../contract/rendered.js";
import { routeOf, traceHeader, versionHeader, type EndSignal } from "../contract/wire.js";
import { openHome, type Home } from "../host/home.js";
import type { OperationEvent } from "../contract/operation.js";
import { exchange, type ExchangeOptions } from "./exchange.js";
import { withTimeoutEnv } from "./timeout-env.js";
import type { ClientTerminal } from "./terminal.js";
import type { Trace } from "./trace.js";
import { openTransport } from "./transport/open.js";
import type { Ask, Transport } from "./transport/transport.js";

export interface CallOptions {
  /** Cancels. A command gets INT, and is killed after a grace. The call still ends with its result, or with ABORTED. */
  readonly signal?: AbortSignal;
  /** Kills at once the command that `signal` has cancelled. */
  readonly killSignal?: AbortSignal;
  /** Returns the signal that a cancelled command gets first; INT unless given. */
  readonly endSignal?: () => EndSignal;
  /** Leaves a command without ending it. The call rejects with ABORTED. */
  readonly detachSignal?: AbortSignal;
  /** The terminal whose size the command's terminal follows. */
  readonly terminal?: ClientTerminal;
  /** For operations that take standard input. It is read only as fast as the command takes it. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Opens the archive of an operation with a source; called again when the daemon must be started first. */
  readonly openUpload?: () => AsyncIterable<Uint8Array>;
  /** Called each time that the daemon has taken the request. */
  readonly onOpen?: () => void;
  /** Called for each event in turn; the next one waits for it. */
  readonly onEvent?: (event: OperationEvent) => void | Promise<void>;
}

/** How often a call starts the daemon, or waits for one that ends, before it gives up. */
const MAX_STARTS = 5;
/** How often a request is sent after broken connections before the call fails. */
const MAX_ASKS = 5;

/** Calls the daemon of one home or context, and starts it if it does not run. */
export class Client {
  readonly home: Home;
  /** Records the stages of calls, if set. */
  readonly trace: Trace | null;
  readonly transport: Transport;
  readonly #env: NodeJS.ProcessEnv;
  readonly #askRunning: Ask = (name, input) => this.#exchange(name, input, {});

  constructor(env: NodeJS.ProcessEnv, trace: Trace | null = null) {
    this.trace = trace;
    this.home = openHome(env);
    this.transport = openTransport(this.home, env);
    this.#env = env;
  }

  async call<Name extends OperationName>(
    name: Name,
    input: ArgumentsOf<Name>,
    options: CallOptions = {},
  ): Promise<ResultOf<Name>> {
    const operation = readContract().operations.find((candidate) => candidate.name === name);
    const timed = withTimeoutEnv(input, operation, this.#env);
    const whole = await this.transport.prepare(name, timed, { ask: this.#askRunning, signal: options.signal });
    try {
      const result = await this.#askDaemon(name, whole, options);
      return (await this.show(name, timed, result, options)) as ResultOf<Name>;
    } finally {
      await this.transport.settle(name, whole);
    }
  }

  /** Throws what `call` throws for an input that this way to the daemon cannot take. */
  async assertUsable(name: "env.build", input: object): Promise<void> {
    await this.transport.prepare(name, input, { ask: this.#askRunning });
  }

  /** Converts a result of the daemon for this machine: another machine's port becomes the port here that leads to it. */
  async show(name: OperationName, input: object, result: unknown, { signal }: CallOptions = {}): Promise<unknown> {
    return this.transport.show(name, input, result, { ask: this.#askRunning, signal });
  }

  /** Starts the daemon if none answers. */
  async #askDaemon(name: OperationName, whole: object, options: CallOptions): Promise<unknown> {
    for (let starts = 0; ; starts++) {
      try {
        return await this.#exchange(name, whole, options);
      } catch (error) {
        if (!this.#canStart(error) || starts === MAX_STARTS) throw this.#asPyroError(error);
      }
      await this.transport.start();
      this.trace?.daemonStarted();
    }
  }

  /** The same, but null when no daemon runs. */
  async callRunning<Name extends OperationName>(name: Name, input: ArgumentsOf<Name>): Promise<ResultOf<Name> | null> {
    const ask = async (isFirst: boolean): Promise<ResultOf<Name> | null> => {
      try {
        return (await this.#exchange(name, input, {})) as ResultOf<Name>;
      } catch (error) {
        if (!this.#canStart(error)) throw this.#asPyroError(error);
        return isFirst && (await this.transport.find()).running ? ask(false) : null;
      }
    };
    return ask(true);
  }

  /** One request and its answer. Retries an operation without side effects when the daemon dies before it answers. */
  async #exchange(
    name: OperationName,
    input: unknown,
    { signal, killSignal, endSignal, detachSignal, terminal, stdin, openUpload, onOpen, onEvent }: CallOptions,
  ): Promise<unknown> {
    const operation = readContract().operations.find((candidate) => candidate.name === name);
    for (let asks = 1; ; asks += 1) {
      try {
        return await this.#ask({
          connect: this.transport.connect,
          route: routeOf(name),
          input,
          stdin: stdin ?? null,
          takesStdin: operation?.stdin === true || operation?.content === true,
          source: openUpload?.() ?? null,
          signal,
          killSignal,
          endSignal,
          detachSignal,
          terminal,
          onOpen,
          onEvent,
        });
      } catch (error) {
        const mayRepeat = operation?.readOnly && !operation.streams && !signal?.aborted;
        if (!mayRepeat || !this.#isBroken(error) || asks === MAX_ASKS) throw error;
      }
    }
  }

  async #ask(options: Omit<ExchangeOptions, "headers" | "onTrace">): Promise<unknown> {
    const { trace } = this;
    const headers = { [versionHeader]: readContract().version, ...(trace && { [traceHeader]: "1" }) };
    trace?.asking();
    try {
      return await exchange({ ...options, headers, onTrace: (stages) => trace?.told(stages) });
    } finally {
      trace?.answered();
    }
  }

  /** True when the other end of a connection went away. */
  #isBroken(error: unknown): boolean {
    const { code } = error as NodeJS.ErrnoException;
    return !this.transport.isAbsent(error) && (code === "ECONNRESET" || code === "EPIPE");
  }

  /** True when no daemon listens, or the daemon is being replaced. */
  #canStart(error: unknown): boolean {
    if (error instanceof PyroError) return error.details["restarting"] === true;
    return this.transport.isAbsent(error);
  }

  #asPyroError(error: unknown): PyroError {
    if (error instanceof PyroError) return error;
    const reason = error instanceof Error ? error.message : String(error);
    const { daemon, hint, details } = this.transport.loss();
    return new PyroError("DAEMON_UNREACHABLE", `${daemon} did not answer: ${reason}.`, { hint, details, cause: error });
  }
}

export function openClient(env: NodeJS.ProcessEnv = process.env, trace: Trace | null = null): Client {
  return new Client(env, trace);
}
