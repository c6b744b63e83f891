import type { FoundMachine } from "../../backend/backend.js";
import { Tunnel } from "../../guest/tunnel.js";
import type { Socket } from "../../host/socket.js";

/** Carries one connection to a port of the guest, until both directions have ended. Resets it when the guest's end fails. Never rejects. */
export async function carry(machine: FoundMachine, port: number, socket: Socket): Promise<void> {
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  try {
    const ready = await Promise.race([machine.ready, closed]);
    if (!ready) return;
    const tunnel = Tunnel.open(ready.channel, port, {
      source: socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>,
      onBytes: (bytes) => new Promise((resolve) => socket.write(bytes, () => resolve())),
      onEnd: () => socket.end(),
    });
    void closed.then(() => tunnel.close());
    await tunnel.finished;
  } catch {
    socket.resetAndDestroy();
  }
}
