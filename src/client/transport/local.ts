import type { OperationName } from "../../contract/operations.js";
import type { Home } from "../../host/home.js";
import { isNoListener } from "../../host/no-listener.js";
import { openUnix } from "../../host/socket.js";
import { withAbsoluteFile, withAbsoluteReference } from "../environment-reference.js";
import { pickHostEnv } from "../host-env.js";
import { countReturns } from "../patience.js";
import type { Transport } from "./transport.js";

/** The daemon of this machine, on the unix socket of its home. */
export function openLocal(home: Home, env: NodeJS.ProcessEnv): Transport {
  return {
    context: null,
    socket: home.daemonSocket,
    connect: () => openUnix(home.daemonSocket),
    isAbsent: isNoListener,
    find: async () => ({ running: false, home: home.path, log: home.daemonLog }),
    async start() {
      const { startDaemon } = await import("../start.js");
      await startDaemon(home, env);
    },
    prepare: (name, input) => withHostEnv(name, withAbsoluteFile(name, withAbsoluteReference(input)), env),
    show: (_name, _input, result) => result,
    settle: () => {},
    patience: countReturns,
    loss: () => ({
      daemon: "The daemon",
      hint: `Look at the end of ${home.daemonLog}, and try again.`,
      details: { log: home.daemonLog },
    }),
  };
}

/** The caller's own settings, if the operation uses them: the daemon may have another shell's. */
function withHostEnv<Input extends object>(name: OperationName, input: Input, env: NodeJS.ProcessEnv): Input {
  const isSet = (field: string) => (input as Record<string, unknown>)[field] === true;
  const proxies = isSet("network_host_proxy");
  const trust = proxies || isSet("network_host_ca") || name === "doctor";
  if (!trust || "network_host_env" in input) return input;
  return { ...input, network_host_env: pickHostEnv(env, { proxies, trust }) };
}
