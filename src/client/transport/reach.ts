import { PyroError, type ErrorBody } from "../../contract/errors.js";
import { readContract } from "../../contract/rendered.js";
import { existsSync } from "../../host/files.js";
import { answersHttp } from "../../host/http.js";
import { openUnix } from "../../host/socket.js";
import type { ToolResult } from "../../host/tool.js";
import type { RelayFacts } from "./relay-facts.js";
import type { Place } from "./place.js";
import { FarPorts } from "./ports.js";
import { requestMaster, runThere } from "./run-ssh.js";
import { describeHost, describeLogin, escapeEnd } from "./ssh-words.js";
import type { Found } from "./transport.js";

/** The exit status of a shell that finds no such program, or may not run it. */
const NO_PROGRAM: readonly number[] = [126, 127];

/** How often the way to a daemon is made, when a connection or daemon ends meanwhile. */
const MAX_TRIES = 2;

/**
 * Connects to the other machine unless a connection exists, and makes the socket of the place lead to the daemon there. `start` starts a
 * daemon when none runs. Throws PyroError.
 */
export async function reachDaemon(place: Place, { start }: { readonly start: boolean }): Promise<Found> {
  for (let tries = 1; ; tries += 1) {
    const facts = await askRelay(place, start);
    assertVersion(place, facts);
    if (!facts.running) return facts;
    await forward(place, facts.socket);
    if (await answersHttp(() => openUnix(place.socket))) {
      await new FarPorts(place).restore();
      return facts;
    }
    if (tries === MAX_TRIES) throw (await requestMaster(place, "check")) ? noForwarding(place) : lost(place);
  }
}

function noForwarding({ context }: Place): PyroError {
  return new PyroError("REMOTE_DENIED", `The ssh server of ${describeHost(context)} forwards no unix sockets.`, {
    hint: "Allow it there: AllowStreamLocalForwarding yes, without DisableForwarding, in sshd_config; no `restrict` for the key.",
    details: { context: context.name },
  });
}

function lost({ context }: Place): PyroError {
  return new PyroError("DAEMON_UNREACHABLE", `The connection to ${describeHost(context)} broke.`, {
    hint: "Try again.",
    details: { context: context.name },
  });
}

/** Asks the pyro there where its daemon listens. */
async function askRelay(place: Place, start: boolean): Promise<RelayFacts> {
  const words = ["relay", "--facts", ...(start ? [] : ["--find"]), "--json"];
  const result = await runThere(place, words).catch(async (error: unknown) => {
    // The master of an earlier connection may have ended in the midst of it.
    if (await requestMaster(place, "check")) throw error;
    return runThere(place, words);
  });
  // A shell's start-up files may print something before.
  const line = result.stdout.trim().split("\n").at(-1) ?? "";
  const answer = parse(line);
  if (answer && "relay" in answer) return answer;
  throw answer ? explainRefusal(place, answer.error) : explainSilence(place, result);
}

function parse(line: string): RelayFacts | { readonly error: ErrorBody } | null {
  try {
    const value = JSON.parse(line) as RelayFacts | { readonly error: ErrorBody };
    if ("relay" in value) return value.relay === 1 && typeof value.socket === "string" ? value : null;
    return typeof value.error.code === "string" ? value : null;
  } catch {
    return null;
  }
}

/** An error of the pyro there. One that does not know the command is older than contexts. */
function explainRefusal(place: Place, body: ErrorBody): PyroError {
  if (body.code === "INVALID_ARGUMENT") return otherVersion(place, "an earlier one");
  const error = PyroError.fromBody(body);
  const { name } = place.context;
  return new PyroError(error.code, `On ${describeHost(place.context)}: ${error.message}`, {
    hint: error.hint,
    details: { ...error.details, context: name },
  });
}

function explainSilence({ context }: Place, { exitCode, stdout, stderr }: ToolResult): PyroError {
  const host = describeHost(context);
  const details = { context: context.name, output: `${stdout}${stderr}`.trim().slice(-500) };
  if (NO_PROGRAM.includes(exitCode)) {
    return new PyroError("HOST_NOT_ABLE", `${host} has no program ${context.pyro}.`, {
      hint: `Install it there: npm install --global pyro-mcp. If it is not in the PATH of \`${describeLogin(context)} env\`, name it: pyro context add ${context.name} ${context.url} --pyro PATH`,
      details,
    });
  }
  return new PyroError(
    "HOST_NOT_ABLE",
    `${context.pyro} on ${host} is not pyro, or failed (exit status ${exitCode}).`,
    {
      hint: `See what it prints: ${describeLogin(context)} ${context.pyro} version`,
      details,
    },
  );
}

function assertVersion(place: Place, { version }: RelayFacts): void {
  if (version !== readContract().version) throw otherVersion(place, version);
}

function otherVersion({ context }: Place, theirs: string): PyroError {
  const { version } = readContract();
  const host = describeHost(context);
  return new PyroError("DAEMON_VERSION", `This pyro is version ${version}; the one on ${host} is ${theirs}.`, {
    hint: `Install the same version on both, for example on ${host}: npm install --global pyro-mcp@${version}`,
    details: { client_version: version, daemon_version: theirs, context: context.name },
  });
}

/** Asking for a forward that exists already changes nothing, except when its socket was removed. */
async function forward(place: Place, far: string): Promise<void> {
  const pair = [escapeEnd(place.socket), escapeEnd(far)];
  if ((await requestMaster(place, "forward", pair)) && existsSync(place.socket)) return;
  await requestMaster(place, "cancel", pair);
  await requestMaster(place, "forward", pair);
}
