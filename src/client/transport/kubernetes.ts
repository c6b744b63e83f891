import type { Home } from "../../host/home.js";
import { isNoListener } from "../../host/no-listener.js";
import { openUnix } from "../../host/socket.js";
import { bridgePlaceOf } from "../bridge/place.js";
import type { KubernetesContext } from "../contexts/context.js";
import { waitForNetwork } from "../patience.js";
import type { Transport } from "./transport.js";

/** The pods of a namespace, behind the bridge of the context (docs/decisions/0063). */
export function openKubernetes(context: KubernetesContext, home: Home, env: NodeJS.ProcessEnv): Transport {
  const place = bridgePlaceOf(context, home, env);
  return {
    context: context.name,
    socket: place.socket,
    connect: () => openUnix(place.socket),
    isAbsent: isNoListener,
    find: async () => ({ running: false, home: context.url, log: place.log }),
    async start() {
      const { startBridge } = await import("../bridge/start.js");
      await startBridge(place);
    },
    async prepare(_name, input) {
      const { assertFar } = await import("./far-input.js");
      assertFar(context, input);
      return input;
    },
    show: (_name, _input, result) => result,
    settle: () => {},
    patience: waitForNetwork,
    loss: () => ({
      daemon: `The task's pod in ${context.name}`,
      hint: `Check the cluster, and try again: pyro context check ${context.name}`,
      details: { context: context.name },
    }),
  };
}
