import { quoteCommand } from "../../contract/quote.js";
import type { SshContext } from "../contexts/context.js";
import type { Place } from "./place.js";

/** Seconds until ssh gives up a host that does not answer. */
const CONNECT_SECONDS = 10;
/** How long the connection stays open without a stream. */
const IDLE_SECONDS = 3600;
/** A connection without a sign of life for three of these is given up. */
const ALIVE_SECONDS = 15;

const options = [
  "ControlMaster=auto",
  `ControlPersist=${IDLE_SECONDS}`,
  "BatchMode=yes",
  `ConnectTimeout=${CONNECT_SECONDS}`,
  `ServerAliveInterval=${ALIVE_SECONDS}`,
  "ServerAliveCountMax=3",
  // A master that was killed leaves its sockets.
  "StreamLocalBindUnlink=yes",
  // Switches off what the user's configuration adds to other sessions.
  "ClearAllForwardings=yes",
  "RemoteCommand=none",
  "RequestTTY=no",
  "PermitLocalCommand=no",
  "ForwardAgent=no",
  "ForwardX11=no",
];

/** The arguments of ssh that run a command at the other end, over the connection of the place. */
export function buildCommand({ context, control }: Place, words: readonly string[]): string[] {
  const home = context.home === null ? [] : ["env", `PYRO_HOME=${quotePath(context.home)}`];
  const line = [...home, quotePath(context.pyro), quoteCommand(words)].join(" ");
  return ["-S", control, ...options.flatMap((option) => ["-o", option]), ...target(context), line];
}

/** The arguments of ssh that ask the master of a place: `check`, `exit`, or `forward` and `cancel` with a pair of ends. */
export function buildRequest({ context, control }: Place, verb: string, pair: readonly string[] = []): string[] {
  const forward = pair.length === 0 ? [] : ["-L", pair.join(":")];
  return ["-S", control, "-O", verb, ...forward, ...target(context)];
}

/** A path within an argument of `-L`. */
export function escapeEnd(path: string): string {
  return path.replaceAll(/[\\:]/g, (letter) => `\\${letter}`);
}

/** The user and host for people: `user@host:port`. */
export function describeHost({ user, host, port }: SshContext): string {
  return `${user === null ? "" : `${user}@`}${host}${port === null ? "" : `:${port}`}`;
}

/** The command with which a person tries the same connection. */
export function describeLogin({ user, host, port }: SshContext): string {
  return `ssh ${port === null ? "" : `-p ${port} `}${user === null ? "" : `${user}@`}${host}`;
}

/** The name of a host in known_hosts. */
export function describeKnownHost({ host, port }: SshContext): string {
  return port === null ? host : `'[${host}]:${port}'`;
}

function target({ user, host, port }: SshContext): string[] {
  return [...(port === null ? [] : ["-p", String(port)]), ...(user === null ? [] : ["-l", user]), "--", host];
}

/** A path for the other machine's shell, which replaces a `~/` only outside of quotes. */
function quotePath(path: string): string {
  return path.startsWith("~/") ? `~/${quoteCommand([path.slice(2)])}` : quoteCommand([path]);
}
