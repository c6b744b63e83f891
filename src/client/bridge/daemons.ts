import { PyroError, type ErrorBody } from "../../contract/errors.js";
import type { OperationName } from "../../contract/operations.js";
import { readContract } from "../../contract/rendered.js";
import { routeOf, streamProtocol, versionHeader } from "../../contract/wire.js";
import { EndedProgram } from "../../host/channel-stream.js";
import { openUpgrade, type IncomingMessage } from "../../host/http.js";
import { readLines } from "../../host/lines.js";
import type { Duplex } from "../../host/socket.js";
import { exchange } from "../exchange.js";
import type { Pods } from "../kubernetes/pods.js";
import { stateOf, type Pod } from "../kubernetes/pod-state.js";

/** How a container runtime says that the image lacks a program. */
const NO_PROGRAM = /executable file not found|no such file or directory/;
/** How often a relay is started: a container's daemon may be starting. */
const MAX_TRIES = 3;

/** A daemon that has taken a call. */
export interface Upgraded {
  readonly daemon: Duplex;
  readonly head: Buffer;
}

/** The daemons in the pods of a context. */
export class Daemons {
  readonly #pods: Pods;
  readonly #image: string;

  constructor(pods: Pods, image: string) {
    this.#pods = pods;
    this.#image = image;
  }

  /** Opens a stream to the daemon of a pod for one call. Throws the daemon's refusal, or why the pod cannot be reached. */
  async upgrade(pod: string, name: OperationName, headers: Readonly<Record<string, string>>): Promise<Upgraded> {
    for (let tries = 1; ; tries += 1) {
      const stream = await this.#open(pod);
      try {
        return await requestUpgrade(stream, routeOf(name), headers);
      } catch (error) {
        stream.destroy();
        if (error instanceof PyroError) throw this.#explainVersion(error);
        const why = await this.#explain(pod, error);
        if (tries === MAX_TRIES || why.code !== "DAEMON_UNREACHABLE") throw why;
      }
    }
  }

  /** Asks a daemon something that may be asked twice: it is, when the connection breaks. */
  async ask(pod: string, name: OperationName, input: object): Promise<unknown> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#askOnce(pod, name, input);
      } catch (error) {
        if (error instanceof PyroError && error.code !== "DAEMON_UNREACHABLE") throw this.#explainVersion(error);
        if (tries === MAX_TRIES) throw await this.#explain(pod, error);
      }
    }
  }

  async #askOnce(pod: string, name: OperationName, input: object): Promise<unknown> {
    const stream = await this.#open(pod);
    try {
      return await exchange({
        connect: () => stream,
        route: routeOf(name),
        headers: { [versionHeader]: readContract().version },
        input,
        stdin: null,
        takesStdin: false,
        source: null,
        signal: undefined,
        killSignal: undefined,
        endSignal: undefined,
        onEvent: undefined,
      });
    } finally {
      stream.destroy();
    }
  }

  async #open(pod: string): Promise<Duplex> {
    return this.#pods.open(pod).catch(async (error: unknown) => {
      throw await this.#explain(pod, error);
    });
  }

  /** Why a pod's daemon cannot be reached: the pod may have ended, or may be gone. */
  async #explain(name: string, error: unknown): Promise<PyroError> {
    const given = PyroError.from(error);
    // Explained before, or said by the API server itself.
    if (given.code === "REMOTE_DENIED" || given.details["pod"] === name) return given;
    if (error instanceof EndedProgram && NO_PROGRAM.test(error.status)) return this.#noPyro(name);
    const pod = await this.#pods.find(name).catch(() => undefined);
    if (pod === null) return noPod(name);
    const state = pod === undefined ? null : stateOf(pod);
    if (state?.is === "ended") return hasEnded(pod as Pod, state.why);
    const reason = error instanceof Error ? error.message : String(error);
    return new PyroError("DAEMON_UNREACHABLE", `The pod ${name} cannot be reached: ${reason.replace(/\.$/, "")}.`, {
      hint: `Look at it: kubectl describe pod ${name}`,
      details: { pod: name },
      cause: error,
    });
  }

  #noPyro(pod: string): PyroError {
    return new PyroError("HOST_NOT_ABLE", `The image ${this.#image} has no pyro.`, {
      hint: "Name the image that `make image` builds: remove the context, and add it again with another --image.",
      details: { pod, image: this.#image },
    });
  }

  #explainVersion(error: PyroError): PyroError {
    if (error.code !== "DAEMON_VERSION") return error;
    const { client_version: ours, daemon_version: theirs } = error.details;
    return new PyroError(
      "DAEMON_VERSION",
      `This pyro is version ${String(ours)}; the image ${this.#image} has ${String(theirs)}.`,
      {
        hint: "Use an image of the same version: remove the context, and add it again with another --image.",
        details: { client_version: ours, daemon_version: theirs, image: this.#image },
      },
    );
  }
}

export function noPod(name: string): PyroError {
  return new PyroError("NOT_FOUND", `There is no pod ${name}: its task has expired, or was deleted.`, {
    hint: "See `pyro task list`.",
    details: { pod: name },
  });
}

function hasEnded({ metadata, spec }: Pod, why: string): PyroError {
  return new PyroError("FAILED_PRECONDITION", `The task's pod ${metadata.name} has failed: ${why}.`, {
    hint: "Delete the task, and create it again.",
    details: { pod: metadata.name, node: spec?.nodeName ?? null, reason: "pod_failed" },
  });
}

/** Resolves when a daemon has taken the call. Rejects with its refusal, or with the error of the stream. */
function requestUpgrade(stream: Duplex, route: string, headers: Readonly<Record<string, string>>): Promise<Upgraded> {
  const request = openUpgrade(() => stream, route, { ...headers, upgrade: streamProtocol });
  return new Promise((resolve, reject) => {
    request.once("upgrade", (_response, daemon: Duplex, head: Buffer) => resolve({ daemon, head }));
    request.once("response", (response) => void readRefusal(response).then(reject, reject));
    request.on("error", reject);
    request.end();
  });
}

async function readRefusal(response: IncomingMessage): Promise<PyroError> {
  const { value } = await readLines(response, Infinity).next();
  return PyroError.fromBody((JSON.parse(value ?? "null") as { error: ErrorBody }).error);
}
