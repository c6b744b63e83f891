import type { Home } from "../../host/home.js";
import { isNoListener } from "../../host/no-listener.js";
import { openUnix } from "../../host/socket.js";
import type { Transport } from "./transport.js";

/** The daemon of this machine, on the unix socket of its home. */
export function openLocal(home: Home, env: NodeJS.ProcessEnv): Transport {
  return {
    connect: () => openUnix(home.daemonSocket),
    isAbsent: isNoListener,
    find: async () => false,
    async start() {
      const { startDaemon } = await import("../start.js");
      await startDaemon(home, env);
    },
    loss: () => ({
      daemon: "The daemon",
      hint: `Look at the end of ${home.daemonLog}, and try again.`,
      details: { log: home.daemonLog },
    }),
  };
}
