import { PyroError } from "../../contract/errors.js";

/** A named way to the pyro of another machine. */
export interface Context {
  readonly name: string;
  /** `ssh://[user@]host[:port]`. */
  readonly url: string;
  /** The user there; null leaves it to ssh's configuration, as for `port`. */
  readonly user: string | null;
  readonly host: string;
  readonly port: number | null;
  /** The pyro executable there. */
  readonly pyro: string;
  /** PYRO_HOME there; null for the login's own. */
  readonly home: string | null;
}

/** A context as the file of contexts has it. */
export interface ContextRecord {
  readonly url: string;
  readonly pyro?: string;
  readonly home?: string;
}

/** The context that stands for this machine. */
export const LOCAL = "local";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
/** No part may begin with a dash: ssh would take it for an option. */
const SSH_URL =
  /^ssh:\/\/(?:([A-Za-z0-9_.][^@/:\s]*)@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_][A-Za-z0-9._-]*)(?::(\d{1,5}))?\/?$/;
const MAX_PORT = 65_535;

/** A context from its name and record. Throws INVALID_ARGUMENT. */
export function parseContext(name: string, { url, pyro = "pyro", home }: ContextRecord): Context {
  if (!NAME.test(name) || name === LOCAL) {
    throw refusal(`${JSON.stringify(name)} cannot be the name of a context`, {
      hint: `A name has letters, digits, dots, dashes and underscores, at most 64. "${LOCAL}" is this machine.`,
      details: { name },
    });
  }
  const [, user = null, host, portText] = SSH_URL.exec(url) ?? [];
  const port = portText === undefined ? null : Number(portText);
  if (host === undefined || port === 0 || (port ?? 0) > MAX_PORT) {
    throw refusal(`${url} is not the address of a machine`, { hint: hintFor(url), details: { url } });
  }
  for (const [field, value] of Object.entries({ pyro, home })) {
    if (value === undefined || isPath(value)) continue;
    throw refusal(`--${field}: ${JSON.stringify(value)} is not a path`, {
      hint: "Give a path of the other machine; ~/ at its begin is the home directory there.",
      details: { field },
    });
  }
  return { name, url, user, host: host.replaceAll(/[[\]]/g, ""), port, pyro, home: home ?? null };
}

function isPath(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- they have no place in a command line.
  return text !== "" && !text.startsWith("-") && !/[\u0000-\u001f]/.test(text);
}

function hintFor(url: string): string {
  if (/^ssh:\/\/[^@/]*:[^@/]*@/.test(url)) return "Leave the password out: ssh uses keys and its agent.";
  if (/^ssh:\/\/[^/]+\/./.test(url)) return "Leave out what follows the host; --home names the PYRO_HOME there.";
  return "Use ssh://[user@]host[:port]; host may be an alias of your ssh configuration.";
}

function refusal(message: string, facts: { hint: string; details: Record<string, unknown> }): PyroError {
  return new PyroError("INVALID_ARGUMENT", `${message}.`, facts);
}
