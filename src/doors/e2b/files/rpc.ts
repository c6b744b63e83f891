import type { Exchange } from "../answer.js";
import { ConnectError, MessageStream, readEnvelope, readMessage, type Message, type Reply } from "../connect.js";
import { countOf, flagOf, textOf } from "../message.js";
import type { Sandbox } from "../sandbox.js";
import { fileErrorOf, readEntry } from "./entry.js";
import { readEvent } from "./watchers.js";

/** A call of filesystem.Filesystem: of one sandbox, as one of its users. */
export interface FileCall {
  readonly exchange: Exchange;
  readonly sandbox: Sandbox;
  readonly user: string;
}

const DEFAULT_KEEPALIVE_SECONDS = 90;

/** The methods; those that return nothing have answered with a stream. */
export const fileMethods: { readonly [method: string]: (call: FileCall) => Promise<Reply> } = {
  Stat: (call) => askForEntry(call, "stat"),
  MakeDir: (call) => askForEntry(call, "mkdir"),

  async Move({ exchange, sandbox, user }) {
    const request = await readMessage(exchange);
    const [path, to] = [pathOf(sandbox, request, "source"), pathOf(sandbox, request, "destination")];
    const lines = await ask(sandbox, "move", { user, path, to });
    return { entry: readEntry(lines[0]) };
  },

  async ListDir({ exchange, sandbox, user }) {
    const request = await readMessage(exchange);
    const fields = { user, path: pathOf(sandbox, request), depth: countOf(request, "depth") || 1 };
    const lines = await ask(sandbox, "list", fields);
    return { entries: lines.map((line) => readEntry(line)).filter((entry) => entry !== null) };
  },

  async Remove({ exchange, sandbox, user }) {
    await ask(sandbox, "remove", { user, path: pathOf(sandbox, await readMessage(exchange)) });
    return {};
  },

  async WatchDir({ exchange, sandbox, user }) {
    const request = await readEnvelope(exchange);
    const { response } = exchange;
    sandbox.keepStream(response);
    const stream = new MessageStream(response);
    const keepalive = armKeepalive(exchange, stream);
    try {
      const fields = watchOf(sandbox, request, user);
      const early: Message[] = [];
      let isStarted = false;
      const end = await sandbox.guest
        .watch(fields, (line) => {
          if (line === null) return stream.end(new ConnectError("unavailable", "the watch has ended"));
          keepalive.refresh();
          const message = { filesystem: readEvent(line) };
          if (isStarted) void stream.send(message);
          else early.push(message);
        })
        .catch((error: unknown) => {
          throw fileErrorOf(error, fields.path, user);
        });
      if (response.destroyed) return void (await end());
      response.once("close", () => void end());
      await stream.send({ start: {} });
      isStarted = true;
      for (const message of early) void stream.send(message);
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      stream.end(error);
    }
    return undefined;
  },

  async CreateWatcher({ exchange, sandbox, user }) {
    const fields = watchOf(sandbox, await readMessage(exchange), user);
    try {
      return { watcherId: await sandbox.watchers.create(fields) };
    } catch (error) {
      throw error instanceof ConnectError ? error : fileErrorOf(error, fields.path, user);
    }
  },

  async GetWatcherEvents({ exchange, sandbox }) {
    return { events: await sandbox.watchers.take(textOf(await readMessage(exchange), "watcherId")) };
  },

  async RemoveWatcher({ exchange, sandbox }) {
    await sandbox.watchers.remove(textOf(await readMessage(exchange), "watcherId"));
    return {};
  },
};

async function askForEntry({ exchange, sandbox, user }: FileCall, op: string): Promise<Reply> {
  const [line] = await ask(sandbox, op, { user, path: pathOf(sandbox, await readMessage(exchange)) });
  return { entry: readEntry(line) };
}

interface FileQuestion {
  readonly user: string;
  readonly path: string;
  readonly to?: string;
  readonly depth?: number;
}

async function ask(sandbox: Sandbox, op: string, fields: FileQuestion) {
  try {
    return await sandbox.guest.ask(op, { ...fields });
  } catch (error) {
    throw fileErrorOf(error, fields.path, fields.user);
  }
}

/** The path in a request: an empty one is the directory of the template. Throws invalid_argument for a path that no file of Linux can have. */
function pathOf({ record }: Sandbox, request: Message, name = "path"): string {
  const path = textOf(request, name) || (record.workdir ?? "");
  if (path.includes("\0")) throw new ConnectError("invalid_argument", "a NUL byte in the path");
  if (Buffer.byteLength(path) > 4095) throw new ConnectError("invalid_argument", "the path is too long");
  return path;
}

function watchOf(sandbox: Sandbox, request: Message, user: string) {
  const path = pathOf(sandbox, request);
  const options = { recursive: "recursive", entries: "includeEntry", network: "allowNetworkMounts" } as const;
  const flags = Object.entries(options).map(([name, field]) => [name, flagOf(request, field)] as const);
  return { user, path, ...Object.fromEntries(flags) };
}

function armKeepalive({ request, response }: Exchange, stream: MessageStream): NodeJS.Timeout {
  const seconds = Number(request.headers["keepalive-ping-interval"]);
  const everyMs = (seconds >= 1 && seconds <= 3_600 ? seconds : DEFAULT_KEEPALIVE_SECONDS) * 1000;
  const timer = setInterval(() => void stream.send({ keepalive: {} }), everyMs);
  response.once("close", () => clearInterval(timer));
  const ms = Number(request.headers["connect-timeout-ms"] ?? 0);
  if (ms > 0) {
    const expire = () => stream.end(new ConnectError("deadline_exceeded", "the call's time-out has passed"));
    const deadline = setTimeout(expire, Math.min(ms, 2 ** 31 - 1));
    response.once("close", () => clearTimeout(deadline));
  }
  return timer;
}
