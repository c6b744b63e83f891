import type { OperationEvent } from "../contract/operation.js";

/** What arrives while a streaming operation runs. */
export type CallEvent =
  | Extract<OperationEvent, { event: "progress" | "started" | "gap" }>
  | { readonly event: "stdout" | "stderr"; readonly data: Uint8Array };
