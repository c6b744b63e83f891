import type { ServerContext } from "@modelcontextprotocol/server";

import type { OperationEvent } from "../../contract/operation.js";
import { renderPlain } from "./plain-text.js";

/** Heartbeat interval; some clients time out after 10 s of silence. */
const HEARTBEAT_MS = 4_000;
/** Minimum interval between reports. */
const NEWS_MS = 500;
const LINE_CHARACTERS = 160;

/** Reports a call's progress to a client that requested it: phase, seconds, the last line of output. */
export interface Progress {
  /** True while the call waits for the build of an environment. */
  readonly isBuilding: boolean;
  /** The current phase, as a phrase. */
  readonly phase: string;
  take(event: OperationEvent): void;
  /** Stops reporting. */
  end(): void;
}

export function openProgress(ctx: ServerContext): Progress {
  const token = ctx.mcpReq._meta?.progressToken;
  const started = performance.now();
  const state = { phase: "starting", isBuilding: false, line: "" };
  let toldMs = -Infinity;
  let isTelling = false;
  const tell = () => {
    if (token === undefined || isTelling) return;
    toldMs = performance.now();
    const seconds = Math.round((toldMs - started) / 100) / 10;
    const message = [state.phase, `${Math.floor(seconds)} s`, ...(state.line ? [state.line] : [])].join(" · ");
    isTelling = true;
    // Skips reports while the client does not read.
    ctx.mcpReq
      .notify({ method: "notifications/progress", params: { progressToken: token, progress: seconds, message } })
      .catch(() => {})
      .finally(() => (isTelling = false));
  };
  const heartbeat = token === undefined ? undefined : setInterval(tell, HEARTBEAT_MS);
  return {
    get isBuilding() {
      return state.isBuilding;
    },
    get phase() {
      return state.phase;
    },
    take(event) {
      if (event.event === "progress") {
        state.isBuilding = event.fraction !== undefined && event.phase !== "ready";
        const share = event.fraction === undefined ? "" : ` (${Math.floor(event.fraction * 100)} %)`;
        state.phase = `${event.message}${share}`;
      } else {
        state.isBuilding = false;
        state.phase = "running";
        if (event.event === "stdout" || event.event === "stderr") state.line = lastLineOf(event.data) || state.line;
      }
      if (performance.now() - toldMs >= NEWS_MS) tell();
    },
    end: () => clearInterval(heartbeat),
  };
}

function lastLineOf(data: Uint8Array): string {
  const text = renderPlain(Buffer.from(data.subarray(-4 * LINE_CHARACTERS)).toString("utf8"));
  return text.trimEnd().split("\n").at(-1)?.trim().slice(0, LINE_CHARACTERS) ?? "";
}
