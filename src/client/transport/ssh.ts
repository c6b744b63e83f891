import type { SshContext } from "../contexts/context.js";
import type { Home } from "../../host/home.js";
import { isNoListener } from "../../host/no-listener.js";
import { openUnix } from "../../host/socket.js";
import { isUnopened } from "../exchange.js";
import { waitForNetwork } from "../patience.js";
import { placeOf } from "./place.js";
import type { FarPorts } from "./ports.js";
import type { Found, Transport } from "./transport.js";

type Fields = Readonly<Record<string, unknown>>;

/**
 * The daemon of another machine. The user's own ssh keeps one connection; each stream is a channel of it, which begins at a unix socket
 * in the runtime directory and ends at the daemon's socket there (docs/decisions/0057).
 */
export function openSsh(context: SshContext, home: Home, env: NodeJS.ProcessEnv): Transport {
  const place = placeOf(context, home, env);
  const reach = async (start: boolean): Promise<Found> => {
    const { reachDaemon } = await import("./reach.js");
    return reachDaemon(place, { start });
  };
  let ports: FarPorts | null = null;
  const openPorts = async () => {
    const { FarPorts } = await import("./ports.js");
    return (ports ??= new FarPorts(place));
  };
  return {
    context: context.name,
    socket: place.socket,
    connect: () => openUnix(place.socket),
    // ssh takes a connection before it knows whether a daemon listens there.
    isAbsent: (error) => isNoListener(error) || isUnopened(error),
    find: () => reach(false),
    async start() {
      await reach(true);
    },
    async prepare(name, input, { ask, signal }) {
      const { assertFar } = await import("./far-input.js");
      assertFar(context, input);
      const { placeFile } = await import("./far-files.js");
      return placeFile(place, name, await (await openPorts()).prepare(name, input as Fields, ask), signal);
    },
    async show(name, input, result, { ask, signal }) {
      const { fetchFile } = await import("./far-files.js");
      const shown = await (await openPorts()).show(name, input as Fields, result, ask);
      return fetchFile(place, name, input as Fields, shown, signal);
    },
    async settle(name, given) {
      const { dropFile } = await import("./far-files.js");
      await dropFile(place, name, given as Fields);
    },
    patience: waitForNetwork,
    loss: () => ({
      daemon: `The daemon of the context ${context.name}`,
      hint: `Check the connection, and try again: pyro context check ${context.name}`,
      details: { context: context.name },
    }),
  };
}
