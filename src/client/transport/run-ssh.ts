import { PyroError } from "../../contract/errors.js";
import { findProgram } from "../../host/find-program.js";
import { runTool, type ToolOptions, type ToolResult } from "../../host/tool.js";
import type { Place } from "./place.js";
import { buildCommand, buildRequest, describeHost, describeKnownHost, describeLogin } from "./ssh-words.js";

/** A time in which a user can log in by touching a key, and a daemon can start. */
const DEADLINE_MS = 60_000;
/** The exit status of ssh itself; any other one is the command's. */
const SSH_FAILED = 255;
const KILLED = 137;

/** Runs a command at the other end. Throws when ssh is missing, or could not connect. */
export async function runThere(place: Place, words: readonly string[], options: ToolOptions = {}): Promise<ToolResult> {
  const result = await runSsh(place, buildCommand(place, words), options);
  if (result.exitCode === SSH_FAILED || result.exitCode === KILLED) throw explainFailure(place, result);
  return result;
}

/** Asks the connection's master for something. False when there is no connection, or it refuses. */
export async function requestMaster(place: Place, verb: string, pair: readonly string[] = []): Promise<boolean> {
  return (await runSsh(place, buildRequest(place, verb, pair))).exitCode === 0;
}

async function runSsh(place: Place, args: readonly string[], options: ToolOptions = {}): Promise<ToolResult> {
  const program = place.env["PYRO_SSH"] || (await findProgram("ssh", place.env));
  if (program === null) throw noSsh();
  return runTool(program, args, { env: place.env, timeoutMs: DEADLINE_MS, leavesProcess: true, ...options }).catch(
    (error: unknown) => {
      if (options.signal?.aborted) throw new PyroError("ABORTED", "The call was cancelled.", { cause: error });
      throw noSsh(error);
    },
  );
}

/** The step in which ssh failed. Its exit status is the same for all of them, so its message decides. */
function explainFailure({ context }: Place, { exitCode, stderr }: ToolResult): PyroError {
  const [host, login] = [describeHost(context), describeLogin(context)];
  const said = stderr.trim().split("\n").at(-1) ?? "";
  const details = { context: context.name, host: context.host, ssh: said };
  const denied = (message: string, hint: string) => new PyroError("REMOTE_DENIED", message, { hint, details });
  if (stderr.includes("HOST IDENTIFICATION HAS CHANGED")) {
    return denied(
      `The host key of ${host} has changed: it is another machine, or it was installed anew.`,
      `If you know why, remove the old key with \`ssh-keygen -R ${describeKnownHost(context)}\`, then check the new one: ${login} true`,
    );
  }
  if (stderr.includes("Host key verification failed")) {
    return denied(`The host key of ${host} is not known here.`, `Connect once and check the key: ${login} true`);
  }
  if (/Permission denied|Too many authentication failures/.test(stderr)) {
    return denied(
      `${host} refuses the login.`,
      `Load your key with ssh-add. pyro never asks for a password; this must work: ${login} -o BatchMode=yes true`,
    );
  }
  const why = exitCode === KILLED ? `it did not answer within ${DEADLINE_MS / 1000} s` : said;
  return new PyroError("DAEMON_UNREACHABLE", `Cannot reach ${host}: ${why.replace(/\.$/, "")}.`, {
    hint: `Check the name and the network: ${login} true`,
    details: { ...details, connected: false },
  });
}

function noSsh(cause?: unknown): PyroError {
  return new PyroError("HOST_NOT_ABLE", "The program ssh is missing.", {
    hint: "Install it: apt-get install openssh-client. PYRO_SSH names another one.",
    cause,
  });
}
