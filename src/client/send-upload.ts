import { once } from "node:events";

import type { ClientRequest } from "../host/http.js";

/**
 * Sends raw bytes behind the input, as fast as the daemon takes them, then the body's end. When the source fails, the body is
 * left without an end, which is how the daemon knows that nothing may be kept.
 */
export async function sendUpload(
  request: ClientRequest,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  // Nothing is read for a daemon that is not there.
  await connected(request, signal);
  for await (const chunk of source) {
    if (signal.aborted) return;
    if (!request.write(chunk)) await once(request, "drain", { signal }).catch(() => {});
    if (signal.aborted) return;
  }
  request.end();
}

async function connected(request: ClientRequest, signal: AbortSignal): Promise<void> {
  const socket =
    request.socket ?? ((await once(request, "socket", { signal }).catch(() => []))[0] as ClientRequest["socket"]);
  if (socket?.connecting) await once(socket, "connect", { signal }).catch(() => {});
}
