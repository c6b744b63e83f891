import type { PyroError } from "../contract/errors.js";
import type { IncomingMessage } from "../host/http.js";
import type { Log } from "../host/log.js";
import { readPeer, type Peer } from "../host/peer.js";
import { RotatingFile } from "../host/rotating-file.js";
import type { Socket } from "../host/socket.js";

/** An audit log takes at most five times this. */
const FILE = { maxBytes: 8 * 1024 * 1024, kept: 4 };
/** The fields of inputs and results that say what a call is about. No command line, environment or content is among them. */
const SUBJECTS = [
  ...["task_id", "vm_id", "snapshot_id", "environment", "name", "sequence", "shell_id", "service", "port", "host_port"],
  ...["user", "signal", "network", "network_allow", "network_deny", "network_allow_host", "network_host_ca"],
  ...["allow_host_compat", "exit_code", "state", "execution_mode"],
];
const SHOWN_CHARACTERS = 200;

/** One call in the log: a line when its input is known, and one with its result. */
export interface AuditedCall {
  /** The input, which has passed the schema. */
  begin(input: object): void;
  succeed(result: unknown): void;
  fail(error: PyroError): void;
}

/** Who may call, and the log of who has called what. */
export class Audit {
  readonly #file: RotatingFile;
  readonly #log: Log;
  readonly #peers = new WeakMap<Socket, Peer>();
  #calls = 0;

  constructor(path: string, log: Log) {
    this.#file = new RotatingFile(path, FILE);
    this.#log = log;
  }

  /** True for a connection of the user whom the daemon runs as, or of root. Another user's is written down. */
  isWelcome(socket: Socket): boolean {
    const peer = readPeer(socket);
    if (peer === null) return false;
    this.#peers.set(socket, peer);
    if (mayCall(peer, process.geteuid!())) return true;
    this.#log.warn(peer, "refused a connection of another user");
    this.#write({ event: "refused", ...peer });
    return false;
  }

  call(request: IncomingMessage, operation: string): AuditedCall {
    const startedMs = performance.now();
    const { pid = null, uid = null } = this.#peers.get(request.socket) ?? {};
    const about = { call: (this.#calls += 1), operation, uid, pid };
    const end = (result: string, subjects: object) =>
      this.#write({ event: "result", ...about, result, ms: Math.round(performance.now() - startedMs), ...subjects });
    return {
      begin: (input) => this.#write({ event: "call", ...about, ...subjectsOf(input) }),
      succeed: (result) => end("ok", subjectsOf(result)),
      fail: ({ code }) => end(code, {}),
    };
  }

  close(): void {
    this.#file.close();
  }

  #write(facts: object): void {
    this.#file.append(JSON.stringify({ time: new Date().toISOString(), daemon: process.pid, ...facts }));
  }
}

/** Pure. Root may do everything to the daemon anyway. */
export function mayCall({ uid }: Peer, ownUid: number): boolean {
  return uid === ownUid || uid === 0;
}

function subjectsOf(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null) return {};
  const facts = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    SUBJECTS.filter((name) => facts[name] !== undefined && facts[name] !== null).map((name) => [
      name,
      shorten(facts[name]),
    ]),
  );
}

function shorten(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 16).map(shorten);
  if (typeof value === "string") return value.slice(0, SHOWN_CHARACTERS);
  return typeof value === "object" ? null : value;
}
