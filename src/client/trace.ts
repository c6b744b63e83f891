import { PyroError } from "../contract/errors.js";
import type { Stage } from "../contract/wire.js";
import { Stopwatch } from "../host/stopwatch.js";

/** True when PYRO_TRACE is 1. Throws INVALID_ARGUMENT when it is neither 1 nor 0. */
export function wantsTrace(env: NodeJS.ProcessEnv): boolean {
  const value = env["PYRO_TRACE"] ?? "";
  if (["", "0", "1"].includes(value)) return value === "1";
  throw new PyroError("INVALID_ARGUMENT", `PYRO_TRACE must be 1 or 0, not ${value.slice(0, 100)}.`, {
    hint: "Set it to 1 for a table of where the time of a command went, or unset it.",
    details: { variable: "PYRO_TRACE" },
  });
}

/** The time of one command of this process, divided into stages, from the process's start on, with the daemon's stages in their place. */
export class Trace {
  readonly #watch = new Stopwatch(0);
  #stagesOfDaemon: readonly Stage[] | null = null;

  /** Called before a request is sent. */
  asking(): void {
    this.#watch.mark(this.#watch.stages.length === 0 ? "client start" : "client");
  }

  /** Called when the daemon has sent its stages for the request. */
  told(stages: readonly Stage[]): void {
    this.#stagesOfDaemon = stages;
  }

  /** Called when the answer has arrived, or the call has failed. */
  answered(): void {
    if (this.#stagesOfDaemon) this.#watch.markAround("connection", this.#stagesOfDaemon);
    else this.#watch.mark("daemon");
    this.#stagesOfDaemon = null;
  }

  daemonStarted(): void {
    this.#watch.mark("daemon start");
  }

  end(): readonly Stage[] {
    this.#watch.mark("client end");
    return this.#watch.stages;
  }
}
