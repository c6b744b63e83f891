import assert from "node:assert/strict";

import type { Context, SshContext } from "../../src/client/contexts/context.js";

/** A context that must be one of ssh. */
export function asSsh(context: Context | null): SshContext {
  assert.ok(context?.kind === "ssh");
  return context;
}
