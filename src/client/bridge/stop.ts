import { routeOf } from "../../contract/wire.js";
import { removeFileSync } from "../../host/files.js";
import type { Home } from "../../host/home.js";
import { openUnix } from "../../host/socket.js";
import type { KubernetesContext } from "../contexts/context.js";
import { exchange } from "../exchange.js";
import { bridgePlaceOf } from "./place.js";

/** Ends the bridge of a context, if one runs. */
export async function stopBridge(context: KubernetesContext, home: Home, env: NodeJS.ProcessEnv): Promise<void> {
  const { socket, lock, log } = bridgePlaceOf(context, home, env);
  const nothing = { stdin: null, takesStdin: false, source: null, signal: undefined, killSignal: undefined };
  await exchange({
    connect: () => openUnix(socket),
    route: routeOf("daemon.stop"),
    headers: {},
    input: {},
    ...nothing,
    endSignal: undefined,
    onEvent: undefined,
  }).catch(() => null);
  for (const path of [socket, lock, log]) removeFileSync(path);
}
