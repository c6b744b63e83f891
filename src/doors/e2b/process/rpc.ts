import { setTimeout as sleep } from "node:timers/promises";

import type { Exchange } from "../answer.js";
import {
  ConnectError,
  MessageStream,
  readEnvelope,
  readEnvelopes,
  readMessage,
  type Message,
  type Reply,
} from "../connect.js";
import { bytesOf, countOf, flagOf, pairsOf, partOf, textOf, textsOf } from "../message.js";
import type { Sandbox } from "../sandbox.js";
import { signals, type ProcessEvent, type SandboxProcess, type SignalName, type Size } from "./process.js";
import { connectErrorOf, type NewProcess } from "./table.js";

/** A call of process.Process: of one sandbox, as one of its users. */
export interface ProcessCall {
  readonly exchange: Exchange;
  readonly sandbox: Sandbox;
  readonly user: string;
}

const DEFAULT_KEEPALIVE_SECONDS = 90;
/** How long the answer to a KILL waits for the end of the process. */
const KILL_WAIT_MS = 2_000;
const MAX_TIMEOUT_MS = 2 ** 31 - 1;
/** The most bytes of input that wait for one process. */
const MAX_WAITING_BYTES = 67_108_864;

/** The methods; those that return nothing have answered with a stream. */
export const processMethods: { readonly [method: string]: (call: ProcessCall) => Promise<Reply> } = {
  async Start({ exchange, sandbox, user }) {
    const wanted = newProcessOf(await readEnvelope(exchange), user, sandbox.record.workdir);
    const stream = openStream(exchange, sandbox);
    const deadline = armDeadline(exchange, stream);
    try {
      // What arrives before the answer to the start waits for it.
      const started = deferred<SandboxProcess>();
      const process = await sandbox.processes.start(wanted, async (event) => {
        await started.promise;
        await stream.send(event);
      });
      deadline.onExpired = () => void sandbox.processes.kill(process);
      if (deadline.isExpired) deadline.onExpired();
      await stream.started(process.record.pid);
      started.resolve(process);
    } catch (error) {
      stream.fail(connectErrorOf(error));
    }
    return undefined;
  },

  async Connect({ exchange, sandbox }) {
    const request = await readEnvelope(exchange);
    const stream = openStream(exchange, sandbox);
    try {
      const process = findProcess(sandbox, request);
      armDeadline(exchange, stream);
      const leave = process.subscribe((event) => stream.send(event));
      exchange.response.once("close", leave);
      await stream.started(process.record.pid);
      if (process.end) await stream.send({ end: process.end });
    } catch (error) {
      stream.fail(connectErrorOf(error));
    }
    return undefined;
  },

  async List({ exchange, sandbox }) {
    await readMessage(exchange);
    const processes = sandbox.processes.list().map(({ record: { cmd, args, envs, cwd, pid, tag } }) => ({
      config: { cmd, args, envs, ...(cwd !== undefined && { cwd }) },
      pid,
      ...(tag !== undefined && { tag }),
    }));
    return { processes };
  },

  async SendInput({ exchange, sandbox }) {
    const request = await readMessage(exchange);
    await sendInput(findProcess(sandbox, request), partOf(request, "input"));
    return {};
  },

  async StreamInput({ exchange, sandbox }) {
    let process: SandboxProcess | null = null;
    const answer = new MessageStream(exchange.response);
    try {
      for await (const message of readEnvelopes(exchange)) {
        const start = partOf(message, "start");
        if (start) process = findProcess(sandbox, start);
        const data = partOf(message, "data");
        if (data && !process) throw new ConnectError("invalid_argument", "data before start");
        if (data && process) await sendInput(process, partOf(data, "input"));
      }
      await answer.send({});
      answer.end();
    } catch (error) {
      answer.end(connectErrorOf(error));
    }
    return undefined;
  },

  async CloseStdin({ exchange, sandbox }) {
    const { reading } = findProcess(sandbox, await readMessage(exchange));
    if (reading.terminal) throw new ConnectError("unknown", "the input of a terminal cannot be closed");
    if (!reading.input || reading.input.isEnded) throw new ConnectError("unknown", "standard input is closed already");
    reading.input.end();
    return {};
  },

  async SendSignal({ exchange, sandbox }) {
    const request = await readMessage(exchange);
    const process = findProcess(sandbox, request);
    const { pid } = process.record;
    if (process.end) throw new ConnectError("not_found", `process with pid ${pid} not found`);
    const signal = signals[signalOf(request["signal"])];
    process.noteSignal(signal);
    await sandbox.guest.ask("signal", { pid, signal }).catch(() => {
      throw new ConnectError("not_found", `process with pid ${pid} not found`);
    });
    // A client that kills twice is told that the process is gone.
    if (signal === signals.SIGNAL_SIGKILL) await Promise.race([process.ended, sleep(KILL_WAIT_MS)]);
    return {};
  },

  async Update({ exchange, sandbox }) {
    const request = await readMessage(exchange);
    const { terminal } = findProcess(sandbox, request).reading;
    const size = sizeOf(request);
    if (size === null) return {};
    if (!terminal) throw new ConnectError("internal", "the process has no terminal");
    terminal.resize(size);
    return {};
  },
};

function newProcessOf(request: Message, user: string, workdir = ""): NewProcess {
  const config = partOf(request, "process") ?? {};
  const cmd = textOf(config, "cmd");
  if (cmd === "") throw new ConnectError("invalid_argument", "cmd is missing");
  const tag = request["tag"] === undefined || request["tag"] === null ? undefined : textOf(request, "tag");
  const stdin = request["stdin"] === undefined || request["stdin"] === null ? true : flagOf(request, "stdin");
  const place = {
    cmd,
    args: textsOf(config, "args"),
    envs: pairsOf(config, "envs"),
    cwd: textOf(config, "cwd") || workdir,
  };
  for (const text of [cmd, ...place.args, place.cwd, ...Object.entries(place.envs).flat()]) {
    if (text.includes("\0")) throw new ConnectError("invalid_argument", "a NUL byte in the process's configuration");
  }
  return { ...place, user, tag, stdin, size: sizeOf(request) };
}

function sizeOf(request: Message): Size | null {
  const pty = partOf(request, "pty");
  if (pty === null) return null;
  const size = partOf(pty, "size") ?? {};
  return { rows: countOf(size, "rows") || 24, cols: countOf(size, "cols") || 80 };
}

function findProcess(sandbox: Sandbox, request: Message): SandboxProcess {
  const selector = partOf(request, "process") ?? {};
  const [pid, tag] = [countOf(selector, "pid"), textOf(selector, "tag")];
  if (pid === 0 && tag === "") throw new ConnectError("invalid_argument", "a process needs a pid or a tag");
  return sandbox.processes.find(pid, tag);
}

async function sendInput(process: SandboxProcess, input: Message | null): Promise<void> {
  const isTyped = input !== null && input["pty"] !== undefined;
  if (input === null || (!isTyped && input["stdin"] === undefined)) {
    throw new ConnectError("unimplemented", "the input is empty");
  }
  const bytes = bytesOf(input, isTyped ? "pty" : "stdin");
  const { reading, end, record } = process;
  if (end) throw new ConnectError("not_found", `process with pid ${record.pid} not found`);
  if (isTyped !== (reading.terminal !== null)) {
    throw new ConnectError("internal", isTyped ? "the process has no terminal" : "the process has a terminal");
  }
  if (!reading.input || reading.input.isEnded) throw new ConnectError("internal", "standard input is closed");
  if (reading.input.waitingBytes + bytes.length > MAX_WAITING_BYTES) {
    throw new ConnectError("resource_exhausted", "the process does not read its input");
  }
  if (await reading.input.push(bytes)) return;
  if (reading.detaching.signal.aborted) throw new ConnectError("unavailable", "the sandbox was paused");
  throw new ConnectError("not_found", `process with pid ${record.pid} not found`);
}

function signalOf(given: unknown): SignalName {
  const name = given === 9 ? "SIGNAL_SIGKILL" : given === 15 ? "SIGNAL_SIGTERM" : String(given);
  if (Object.hasOwn(signals, name)) return name as SignalName;
  throw new ConnectError("unimplemented", `signal ${name} is not supported`);
}

/** A stream of a process's events, which sends a sign of life when nothing else was sent for a while. */
function openStream({ request, response }: Exchange, sandbox: Sandbox) {
  sandbox.keepStream(response);
  const messages = new MessageStream(response);
  const seconds = Number(request.headers["keepalive-ping-interval"] ?? DEFAULT_KEEPALIVE_SECONDS);
  const everyMs = (seconds >= 1 && seconds <= 3_600 ? seconds : DEFAULT_KEEPALIVE_SECONDS) * 1000;
  const timer = setInterval(() => void messages.send({ event: { keepalive: {} } }), everyMs);
  response.once("close", () => clearInterval(timer));
  return {
    async started(pid: number): Promise<void> {
      await messages.send({ event: { start: { pid } } });
    },
    async send(event: ProcessEvent): Promise<void> {
      timer.refresh();
      await messages.send({ event });
      if ("end" in event) messages.end();
    },
    fail(error: ConnectError): void {
      messages.end(error);
    },
  };
}

/** Ends the stream when the client's time is over. */
function armDeadline({ request, response }: Exchange, stream: { fail(error: ConnectError): void }) {
  const deadline = { isExpired: false, onExpired: () => {} };
  const ms = Number(request.headers["connect-timeout-ms"] ?? 0);
  if (!(ms > 0)) return deadline;
  const expire = () => {
    deadline.isExpired = true;
    stream.fail(new ConnectError("deadline_exceeded", "the call's time-out has passed"));
    deadline.onExpired();
  };
  const timer = setTimeout(expire, Math.min(ms, MAX_TIMEOUT_MS));
  response.once("close", () => clearTimeout(timer));
  return deadline;
}

function deferred<Value>() {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((given) => (resolve = given));
  return { promise, resolve };
}
